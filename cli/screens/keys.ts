/** Keys of the screens, for the line at their bottom and for --help. */
export type Key = readonly [key: string, what: string]

export const INBOX_KEYS: readonly Key[] = [
  ['j/k ↑↓', 'move'],
  ['enter', 'open'],
  ['a', 'approve'],
  ['r', 'reject'],
  ['?', 'ask'],
  ['q', 'quit'],
]

export const REVIEW_KEYS: readonly Key[] = [
  ['space/b', 'page'],
  ['j/k ↑↓', 'line'],
  ['g/G', 'ends'],
  ['a', 'approve'],
  ['r', 'reject'],
  ['?', 'ask'],
  ['q', 'back'],
]

/** Of one's own requests, and of those that are over. */
export const OWN_KEYS: readonly Key[] = [
  ['space/b', 'page'],
  ['j/k ↑↓', 'line'],
  ['?', 'answer'],
  ['c', 'cancel it'],
  ['q', 'back'],
]

export const LIST_KEYS: readonly Key[] = [
  ['j/k ↑↓', 'move'],
  ['enter', 'open'],
  ['?', 'answer'],
  ['c', 'cancel it'],
  ['q', 'quit'],
]

export function keysText(keys: readonly Key[]): string {
  return keys.map(([key, what]) => `${key} ${what}`).join(', ')
}
