import { createHash, randomBytes } from 'node:crypto'
import { importJWK, type JWK, SignJWT } from 'jose'

/** ES256 is what RFC 9449 section 5.1 examples use and every provider with DPoP knows. */
export const PROOF_ALGORITHM = 'ES256'

interface ProofOf {
  readonly method: string
  readonly url: string
  readonly accessToken: string
  readonly nonce: string | null
  /** Epoch milliseconds. */
  readonly now: number
}

export interface Prover {
  prove(of: ProofOf): Promise<string>
}

/** Signs DPoP proofs (RFC 9449 section 4.2) with a private JWK. */
export async function createProver(key: JWK): Promise<Prover> {
  const { kty, crv, x, y } = key
  const jwk = { kty, crv, x, y } as JWK
  const signer = await importJWK(key, PROOF_ALGORITHM)
  return {
    prove(of) {
      const claims = {
        jti: randomBytes(16).toString('base64url'),
        htm: of.method,
        htu: targetOf(of.url),
        iat: Math.floor(of.now / 1000),
        ath: createHash('sha256').update(of.accessToken).digest('base64url'),
        ...(of.nonce === null ? {} : { nonce: of.nonce }),
      }
      return new SignJWT(claims)
        .setProtectedHeader({ typ: 'dpop+jwt', alg: PROOF_ALGORITHM, jwk })
        .sign(signer)
    },
  }
}

/** Without query and fragment; a WebSocket's handshake is an HTTP request. */
function targetOf(address: string): string {
  const url = new URL(address.replace(/^ws(?=s?:)/i, 'http'))
  return url.origin + url.pathname
}
