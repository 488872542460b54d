import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), both sides. Pure: nonces, salts and the salted password come
 * in as values, so that PBKDF2, which is slow on purpose, runs where the caller wants it.
 */
export class ScramError extends Error {
  override readonly name = 'ScramError'
}

export const SCRAM = 'SCRAM-SHA-256'
export const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS'

/** Bytes of a key and of PBKDF2's result. */
export const SCRAM_KEY_LENGTH = 32

/** As the server has it (PG_MAX_SASL_MESSAGE_LENGTH). */
const LONGEST_MESSAGE = 1024

const PRINTABLE = /^[\x21-\x2b\x2d-\x7e]+$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** What a server keeps instead of a password (RFC 5802 section 3). */
export interface ScramVerifier {
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const hash = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()

/** `saltedPassword` = PBKDF2-HMAC-SHA-256(SASLprep(password), salt, iterations, 32). */
export function scramVerifier(
  saltedPassword: Buffer,
  salt: Buffer,
  iterations: number,
): ScramVerifier {
  return {
    salt,
    iterations,
    storedKey: hash(hmac(saltedPassword, 'Client Key')),
    serverKey: hmac(saltedPassword, 'Server Key'),
  }
}

function xor(a: Buffer, b: Buffer): Buffer {
  const out = Buffer.alloc(a.length)
  for (let i = 0; i < a.length; i++) out[i] = (a[i] as number) ^ (b[i] as number)
  return out
}

/** Attributes in the order that the grammar fixes; one too many or too few is an error. */
function attributes(message: string, names: string): string[] {
  if (message.length > LONGEST_MESSAGE) throw new ScramError('SCRAM message is too long')
  const parts = message.split(',')
  if (parts.length !== names.length) throw new ScramError('SCRAM message is malformed')
  return parts.map((part, i) => {
    if (part[0] !== names[i] || part[1] !== '=') throw new ScramError('SCRAM message is malformed')
    return part.slice(2)
  })
}

function base64(text: string): Buffer {
  if (text === '' || !BASE64.test(text)) throw new ScramError('SCRAM message holds bad base64')
  return Buffer.from(text, 'base64')
}

/** What the client said of channel binding, and how the final message must repeat it. */
interface ClientFirst {
  readonly header: string
  readonly bare: string
  readonly nonce: string
}

/**
 * The server's side, for one exchange, without channel binding. The name in the message is ignored:
 * PostgreSQL clients leave it empty, and the start-up packet says who it is.
 */
export class ScramServer {
  private readonly verifier: ScramVerifier
  private readonly serverNonce: string
  private first: (ClientFirst & { readonly answer: string }) | null = null

  constructor(verifier: ScramVerifier, serverNonce: string) {
    this.verifier = verifier
    this.serverNonce = serverNonce
  }

  /** client-first-message → server-first-message */
  challenge(message: string): string {
    if (this.first !== null) throw new ScramError('SCRAM exchange was begun twice')
    const client = readClientFirst(message)
    const { salt, iterations } = this.verifier
    const nonce = client.nonce + this.serverNonce
    const answer = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`
    this.first = { ...client, nonce, answer }
    return answer
  }

  /** client-final-message → server-final-message, or null: the password is not the right one. */
  verify(message: string): string | null {
    const { first } = this
    if (first === null) throw new ScramError('SCRAM exchange was not begun')
    this.first = null
    const [binding = '', nonce = '', proofText = ''] = attributes(message, 'crp')
    if (binding !== Buffer.from(first.header).toString('base64')) {
      throw new ScramError('SCRAM channel binding does not match')
    }
    if (nonce !== first.nonce) throw new ScramError('SCRAM nonce does not match')
    const proof = base64(proofText)
    if (proof.length !== SCRAM_KEY_LENGTH) throw new ScramError('SCRAM proof of a wrong length')
    const authMessage = `${first.bare},${first.answer},c=${binding},r=${nonce}`
    const clientKey = xor(proof, hmac(this.verifier.storedKey, authMessage))
    if (!timingSafeEqual(hash(clientKey), this.verifier.storedKey)) return null
    return `v=${hmac(this.verifier.serverKey, authMessage).toString('base64')}`
  }
}

function readClientFirst(message: string): ClientFirst {
  if (message.length > LONGEST_MESSAGE) throw new ScramError('SCRAM message is too long')
  const header = /^([ny]),,/.exec(message)?.[0]
  if (header === undefined) {
    throw new ScramError('SCRAM channel binding or another identity is not supported here')
  }
  const bare = message.slice(header.length)
  const [, nonce = ''] = attributes(bare, 'nr')
  if (!PRINTABLE.test(nonce)) throw new ScramError('SCRAM nonce is malformed')
  return { header, bare, nonce }
}

/** What the client's side must be told of the channel. */
export type ChannelBinding =
  /** No TLS, or a certificate that has no binding. */
  | { readonly type: 'none' }
  /** TLS, but the server offered no SCRAM-SHA-256-PLUS: a downgrade is found out by the server. */
  | { readonly type: 'not-offered' }
  /** tls-server-end-point (RFC 5929 section 4): hash of the server's certificate. */
  | { readonly type: 'server-end-point'; readonly hash: Buffer }

/** The least that RFC 7677 section 4 asks a server for, and the most work that a server may cause. */
export const SCRAM_ITERATIONS = { least: 4096, most: 1_000_000 } as const

/** The client's side, for one exchange. */
export class ScramClient {
  private readonly nonce: string
  private readonly header: string
  private readonly bindingData: Buffer
  private serverFirst: { nonce: string; text: string } | null = null
  private signature: Buffer | null = null
  private readonly name: string

  /** PostgreSQL takes the name from the start-up packet, so `name` stays empty there. */
  constructor(nonce: string, binding: ChannelBinding, name = '') {
    this.nonce = nonce
    this.name = name
    this.header = GS2_HEADER[binding.type]
    this.bindingData = binding.type === 'server-end-point' ? binding.hash : Buffer.alloc(0)
  }

  /** client-first-message */
  first(): string {
    return `${this.header}${this.bare()}`
  }

  private bare(): string {
    return `n=${this.name},r=${this.nonce}`
  }

  /** server-first-message → what the password must be salted with. */
  challenge(message: string): { salt: Buffer; iterations: number } {
    const [nonce = '', salt = '', count = ''] = attributes(message, 'rsi')
    if (!nonce.startsWith(this.nonce) || nonce === this.nonce || !PRINTABLE.test(nonce)) {
      throw new ScramError('SCRAM nonce of the server does not continue ours')
    }
    const iterations = /^[1-9][0-9]{0,9}$/.test(count) ? Number(count) : 0
    if (iterations < SCRAM_ITERATIONS.least || iterations > SCRAM_ITERATIONS.most) {
      throw new ScramError(
        `SCRAM iteration count ${count} is not between ${SCRAM_ITERATIONS.least} and ${SCRAM_ITERATIONS.most}`,
      )
    }
    this.serverFirst = { nonce, text: message }
    return { salt: base64(salt), iterations }
  }

  /** client-final-message */
  final(saltedPassword: Buffer): string {
    if (this.serverFirst === null) throw new ScramError('SCRAM exchange was not begun')
    const { nonce, text } = this.serverFirst
    const binding = Buffer.concat([Buffer.from(this.header), this.bindingData]).toString('base64')
    const withoutProof = `c=${binding},r=${nonce}`
    const authMessage = `${this.bare()},${text},${withoutProof}`
    const clientKey = hmac(saltedPassword, 'Client Key')
    const proof = xor(clientKey, hmac(hash(clientKey), authMessage))
    this.signature = hmac(hmac(saltedPassword, 'Server Key'), authMessage)
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  /** server-final-message: the server must know the password too. Throws otherwise. */
  verify(message: string): void {
    if (this.signature === null) throw new ScramError('SCRAM exchange is not that far')
    const [text = ''] = attributes(message, 'v')
    const signature = base64(text)
    if (signature.length !== this.signature.length || !timingSafeEqual(signature, this.signature)) {
      throw new ScramError('the server does not know the password it asks for')
    }
  }
}

const GS2_HEADER = {
  none: 'n,,',
  'not-offered': 'y,,',
  'server-end-point': 'p=tls-server-end-point,,',
} as const satisfies Record<ChannelBinding['type'], string>
