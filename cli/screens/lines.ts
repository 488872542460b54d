import { Box, Text } from 'ink'
import { createElement as h, type ReactElement, useEffect, useState } from 'react'
import type { Canvas } from '../output/field.ts'
import { widthOf } from '../output/width.ts'
import type { Key } from './keys.ts'

/**
 * Lines that are broken for the terminal already. The box is wider than any terminal: its own
 * measure of a character differs in places from a terminal's, and it must cut nothing.
 */
export function Lines({ lines }: { readonly lines: readonly string[] }): ReactElement {
  const width = lines.reduce((most, line) => Math.max(most, 2 * line.length), 1)
  return h(
    Box,
    { flexDirection: 'column', flexShrink: 0, width },
    ...lines.map((line, at) => h(Text, { key: at, wrap: 'truncate' }, line === '' ? ' ' : line)),
  )
}

const GAP = '  '

/** Parts side by side, in as many lines as they need. */
export function flow(parts: readonly string[], width: number): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    const longer = last === undefined ? part : last + GAP + part
    if (last === undefined || widthOf(longer) > width) lines.push(part)
    else lines[lines.length - 1] = longer
  }
  return lines
}

/** What can be pressed, at the bottom of a screen. */
export function keyLines(keys: readonly Key[], out: Canvas): string[] {
  const parts = keys.map(([key, what]) => `${key} ${what}`)
  return flow(parts, out.width).map((line) => out.style('dim', line))
}

/** The time, each second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}
