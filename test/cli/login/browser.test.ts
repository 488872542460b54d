import assert from 'node:assert/strict'
import { test } from 'node:test'
import { browserCommand, openBrowser } from '../../../cli/login/browser.ts'

test('a browser only where somebody would see it', () => {
  assert.deepEqual(browserCommand('linux', { DISPLAY: ':0' }), ['xdg-open'])
  assert.deepEqual(browserCommand('linux', { WAYLAND_DISPLAY: 'wayland-0' }), ['xdg-open'])
  assert.equal(browserCommand('linux', {}), null)
  assert.deepEqual(browserCommand('darwin', {}), ['open'])
  assert.equal(browserCommand('darwin', { SSH_CONNECTION: '10.0.0.1 22' }), null)
  assert.equal(browserCommand('linux', { DISPLAY: ':0', CI: 'true' }), null)
  assert.deepEqual(browserCommand('win32', {}), ['rundll32', 'url.dll,FileProtocolHandler'])
})

test('nothing but web addresses is handed to the system', async () => {
  for (const address of ['file:///etc/passwd', 'javascript:alert(1)', '-x', 'ms-settings:x', '']) {
    assert.equal(await openBrowser(address, 'darwin', {}), false)
  }
})

test('a browser that is not installed is no error', async () => {
  const env = { DISPLAY: ':0' }
  const path = process.env['PATH']
  process.env['PATH'] = ''
  try {
    assert.equal(await openBrowser('https://id.example.com', 'linux', env), false)
  } finally {
    process.env['PATH'] = path
  }
})
