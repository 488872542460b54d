import { createHmac } from 'node:crypto'

/** `v1=` and HMAC-SHA256, in hex, over the timestamp, a dot and the body's bytes. */
export function signatureOf(key: string, timestamp: number, body: string): string {
  return `v1=${createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex')}`
}
