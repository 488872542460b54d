/** What people may be told of. `held`, `decided` and the states come from the request itself. */
export const HAPPENINGS = [
  'held',
  'decided',
  'approved',
  'rejected',
  'expired',
  'cancelled',
  'revoked',
  'executed',
  'reminder',
  'escalated',
  'break_glass',
] as const
export type Happening = (typeof HAPPENINGS)[number]
