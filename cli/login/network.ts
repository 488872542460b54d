/** The reason at the bottom of a failed fetch: ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED. */
export function networkReason(error: unknown): string | null {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as Error).cause) {
    const { code, errors } = at as { code?: unknown; errors?: unknown }
    if (Array.isArray(errors) && errors.length > 0) return networkReason(errors[0])
    if (typeof code === 'string' && /^[A-Z_]+$/.test(code) && !code.startsWith('OAUTH_'))
      return code
  }
  return null
}
