/** B.1: commonly mapped to nothing. C.1.2: spaces that are not ASCII (RFC 3454). */
const NOTHING = /\u034f|[\u180b-\u180d]|[\ufe00-\ufe0f]|[\u00ad\u1806\u200b-\u200d\u2060\ufeff]/gu
const SPACES = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/gu

/** C.2 to C.9 with unassigned code points: control, format, surrogate, private use, not assigned. */
const PROHIBITED = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029\u2ff0-\u2ffb\ufffc\ufffd]/u

/**
 * SASLprep (RFC 4013) as PostgreSQL uses it: a password that it prohibits is taken as it is
 * (pg_saslprep in src/common/saslprep.c). Left out: the rule on mixed writing directions, because
 * such a password is as good as always its own normal form.
 */
export function saslprep(password: string): string {
  if (/^[\x20-\x7e]*$/.test(password)) return password
  const mapped = password.replace(SPACES, ' ').replace(NOTHING, '').normalize('NFKC')
  return mapped === '' || PROHIBITED.test(mapped) ? password : mapped
}
