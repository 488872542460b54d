import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import { errorPage, type Person, personPage } from './provider-pages.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** The provider itself, and in front of it the two things that are the demo's own. */
export function providerHandler(
  provider: Provider,
  persons: ReadonlyMap<string, Person>,
  approve: (userCode: string, account: string) => Promise<void>,
): Handler {
  const rest = provider.callback()
  return async (request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    try {
      if (path === '/demo/approve-device') await answerApproval(request, response, approve)
      else if (path.startsWith('/interaction/'))
        await interact(provider, persons, request, response)
      else rest(request, response)
    } catch (error) {
      send(response, 400, 'text/html', errorPage(error instanceof Error ? error.message : 'failed'))
    }
  }
}

/** Who are you? The one question that the login prompt asks. */
async function interact(
  provider: Provider,
  persons: ReadonlyMap<string, Person>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { uid } = await provider.interactionDetails(request, response)
  if (request.method !== 'POST') {
    const page = personPage(`/interaction/${uid}`, [...persons.values()])
    send(response, 200, 'text/html', page)
    return
  }
  const accountId = new URLSearchParams(await bodyOf(request)).get('account') ?? ''
  if (!persons.has(accountId)) throw new Error('There is no such person.')
  const options = { mergeWithLastSubmission: false }
  await provider.interactionFinished(request, response, { login: { accountId } }, options)
}

/** For the CLI on this machine, not for web pages: those cannot send JSON here without asking first. */
async function answerApproval(
  request: IncomingMessage,
  response: ServerResponse,
  approve: (userCode: string, account: string) => Promise<void>,
): Promise<void> {
  const json = request.headers['content-type'] === 'application/json'
  if (request.method !== 'POST' || !json || request.headers.origin !== undefined) {
    send(response, 405, 'application/json', '{"message":"POST JSON, and not from a web page."}')
    return
  }
  try {
    const { user_code, account } = JSON.parse(await bodyOf(request)) as Record<string, unknown>
    await approve(String(user_code), String(account))
    send(response, 200, 'application/json', '{}')
  } catch (error) {
    const message = error instanceof Error ? error.message : 'failed'
    send(response, 400, 'application/json', JSON.stringify({ message }))
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk
    if (body.length > 16_384) throw new Error('The request is too large.')
  }
  return body
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': `${type}; charset=utf-8`,
    'Cache-Control': 'no-store',
  })
  response.end(body)
}
