import { type Key, useInput } from 'ink'
import { type RefObject, useLayoutEffect, useRef } from 'react'

export type OnKey = (input: string, key: Key) => void
export type Keyboard = RefObject<OnKey>

/**
 * One listener for as long as the screen is there. Part after part may come and go: a key that is
 * pressed the moment a part is seen reaches it.
 */
export function useKeyboard(): Keyboard {
  const keyboard = useRef<OnKey>(() => undefined)
  useInput((input, key) => keyboard.current(input, key))
  return keyboard
}

/** Takes the keys together with the frame that shows this part, not a moment after it. */
export function useKeys(keyboard: Keyboard, onKey: OnKey): void {
  useLayoutEffect(() => {
    keyboard.current = onKey
  })
}

/** A key that is held down comes several times at once; other keys do not, and are none then. */
export function heldKey(input: string): [key: string, times: number] {
  const [first = ''] = input
  const isOne = [...input].every((character) => character === first)
  return isOne ? [first, Math.max(1, input.length)] : ['', 1]
}
