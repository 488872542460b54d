import { createHmac } from 'node:crypto'
import { Writer } from '../../protocol/bytes/writer.ts'
import { decodeErrorFields } from '../../protocol/pg/backend.ts'
import { type Marker, type Redacted, redactSecrets } from '../../protocol/pg/secrets.ts'

/** Secrets of one session that are remembered, to take them out of errors. */
const MOST = 256
/** A shorter one would take pieces out of ordinary words; in quotes it is found all the same. */
const SHORTEST = 4
const QUOTED = /^(?:[a-z]&?)?['$]/i

/**
 * Keeps passwords that a person types into SQL out of what others read: the record, requests,
 * errors. What is sent to the target, and every digest, is of the text as it was typed.
 */
export class Secrets {
  private readonly marker: Marker
  private readonly seen = new Set<string>()

  constructor(key: Buffer) {
    this.marker = markerOf(key)
  }

  /** The text as others may read it. */
  redact(text: Buffer, understood: boolean): Buffer {
    return this.find(text, understood).text
  }

  /** How many there are in it. */
  count(text: Buffer, understood: boolean): number {
    return this.find(text, understood).secrets.length / 2
  }

  /** Of what was found before: parsers and servers quote what they do not like. */
  hide(text: string): string {
    let out = text
    for (const secret of this.seen) out = out.replaceAll(secret, '<redacted>')
    return out
  }

  /** An ErrorResponse or NoticeResponse, whole. */
  hideReport(message: Buffer): Buffer {
    if (this.seen.size === 0) return message
    const fields = decodeErrorFields(message)
    if ([...fields.values()].every((value) => this.hide(value) === value)) return message
    const out = new Writer().uint8(message[0]!).int32(0)
    for (const [letter, value] of fields) out.uint8(letter.charCodeAt(0)).string(this.hide(value))
    out.uint8(0)
    return out.patchInt32(1, out.length - 1).finish()
  }

  private find(text: Buffer, understood: boolean): Redacted {
    const redacted = redactSecrets(text, understood, this.marker)
    for (const secret of redacted.secrets) this.remember(secret)
    return redacted
  }

  private remember(secret: string): void {
    if (secret.length < (QUOTED.test(secret) ? 3 : SHORTEST)) return
    this.seen.delete(secret)
    this.seen.add(secret)
    for (const oldest of this.seen) {
      if (this.seen.size <= MOST) return
      this.seen.delete(oldest)
    }
  }
}

/** Not the hash that stands for a masked value, although the key is the same. */
function markerOf(key: Buffer): Marker {
  return (secret) => {
    const hmac = createHmac('sha256', key).update('hoop secret 1\0').update(secret).digest('hex')
    return `<redacted hmac:${hmac.slice(0, 16)}>`
  }
}
