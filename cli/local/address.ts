import { EXIT, HoopError } from '../../protocol/errors.ts'

/** Loopback by name or number. A name that merely resolves to it does not count. */
export function isLoopback(url: URL): boolean {
  const host = url.hostname
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** A broker's address as the person typed it, without a slash at the end; https where no scheme is given. */
export function brokerAddress(text: string): string {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`)
  if (url === null || url.hostname === '') throw wrongAddress(text, 'is not an address')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw wrongAddress(text, 'is no http or https address')
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw wrongAddress(text, 'holds more than scheme, host, port and path')
  }
  if (url.protocol === 'http:' && !isLoopback(url)) {
    throw new HoopError({
      code: 'insecure_broker',
      message: `The broker ${url.host} is not on this machine, so it is reached by https only.`,
      hint: `Try https://${url.host}.`,
      exit: EXIT.usage,
      fault: 'client',
    })
  }
  return url.href.replace(/\/+$/, '')
}

function wrongAddress(text: string, why: string): HoopError {
  return new HoopError({
    code: 'usage',
    message: `The broker address ${JSON.stringify(text)} ${why}.`,
    hint: 'It looks like https://hoop.example.com.',
    exit: EXIT.usage,
    fault: 'client',
  })
}
