import { Detector } from '../../../../broker/masking/detect/detector.ts'
import { KINDS, type Kind } from '../../../../broker/masking/detect/kinds.ts'

export const KEY = Buffer.alloc(32, 7)

/** What is covered where the policy says nothing. */
export const DEFAULT_KINDS: readonly Kind[] = [
  'card',
  'ssn',
  'iban',
  'jwt',
  'private_key',
  'cloud_key',
]

/** Everything is looked for. */
export function detectorOf(
  how: 'redact' | 'hash' = 'redact',
  kinds: readonly Kind[] = KINDS,
): Detector {
  return new Detector(
    kinds.map((what) => ({ what, how })),
    KEY,
  )
}

/** What is found in a text, as `kind: value`. */
export function foundIn(text: string): string[] {
  const bytes = Buffer.from(text)
  const hits = detectorOf().find(bytes, 0, bytes.length)
  return hits.kinds.map((kind, at) => {
    return `${KINDS[kind]}: ${bytes.toString('utf8', hits.starts[at]!, hits.ends[at]!)}`
  })
}

export const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'
export const AWS_ID = 'AKIAIOSFODNN7EXAMPLE'
export const AWS_SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
export const GITHUB = `ghp_${'a1B2'.repeat(9)}`
export const PEM = `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEpAIBAAKCAQEA\n'.repeat(6)}-----END RSA PRIVATE KEY-----`
