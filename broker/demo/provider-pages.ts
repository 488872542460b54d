/** The pages of the demo's provider: enter the code, confirm it, say who you are, done. */

export interface Person {
  readonly name: string
  readonly email: string
  readonly groups: readonly string[]
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 4rem auto; padding: 0 1rem }
  code { font-size: 1.6rem; letter-spacing: .1em }
  button, input { font: inherit; padding: .5rem .8rem; margin: .2rem 0; width: 100%; box-sizing: border-box }
  button { text-align: left; cursor: pointer }
  small { color: #666 }
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${body}
</body>
</html>
`
}

export function codePage(form: string, wrong: boolean): string {
  const said = wrong
    ? 'That code is not known, or it was used. Try again.'
    : 'Enter the code that hoop shows.'
  return page(
    'hoop demo: log in',
    `<p>${said}</p>${form}<button type="submit" form="op.deviceInputForm">Continue</button>`,
  )
}

export function confirmPage(form: string, userCode: string): string {
  return page(
    'Is this your login?',
    `<p>Your terminal must show this code:</p><p><code>${escaped(userCode)}</code></p>${form}
<button type="submit" form="op.deviceConfirmForm" autofocus>Yes, continue</button>
<button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">No, deny it</button>`,
  )
}

export function personPage(action: string, persons: readonly Person[]): string {
  const buttons = persons.map(
    ({ name, groups }) =>
      `<button name="account" value="${escaped(name)}">${escaped(name)} <small>${escaped(groups.join(', ') || 'no group')}</small></button>`,
  )
  return page(
    'Who are you?',
    `<p>The demo asks for no password.</p><form method="post" action="${escaped(action)}">${buttons.join('\n')}</form>`,
  )
}

export function donePage(): string {
  return page('You are logged in', '<p>Go back to your terminal; this page can be closed.</p>')
}

export function errorPage(error: string): string {
  return page('That did not work', `<p>${escaped(error)}</p>`)
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
