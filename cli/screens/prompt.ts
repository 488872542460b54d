import { type Key, usePaste } from 'ink'
import { useState } from 'react'
import type { Canvas } from '../output/field.ts'
import { visibleLine } from '../output/visible.ts'
import { chop } from '../output/width.ts'
import type { OnKey } from './keyboard.ts'

/** As long as the broker takes. */
const MOST = 4096
/** Of a long text the last lines are shown. */
const LINES = 3

export interface Question {
  /** What enter will do: `Approve r-…`. */
  readonly title: string
  /** What is typed: `comment`. */
  readonly what: string
  readonly isRequired: boolean
  readonly done: (text: string) => void
}

export interface Prompt {
  readonly isOpen: boolean
  readonly press: OnKey
  readonly open: (question: Question) => void
  readonly lines: (out: Canvas) => string[]
}

/** A line that a person types. Enter sends it, esc and Ctrl-C leave it. */
export function usePrompt(): Prompt {
  const [question, setQuestion] = useState<Question | null>(null)
  const [text, setText] = useState('')
  const [isMissing, setMissing] = useState(false)
  const isOpen = question !== null
  const type = (more: string): void => setText((before) => (before + oneLine(more)).slice(0, MOST))
  const close = (): void => {
    setQuestion(null)
    setText('')
    setMissing(false)
  }
  const press = (input: string, key: Key): void => {
    if (key.escape || (key.ctrl && input === 'c')) close()
    else if (key.return && question?.isRequired && text.trim() === '') setMissing(true)
    else if (key.return) {
      close()
      question?.done(text.trim())
    } else if (key.backspace || key.delete) setText(shorter)
    else if (key.ctrl && input === 'u') setText('')
    else if (!key.ctrl && !key.meta) type(input)
  }
  // Always there: where nothing is asked a paste is dropped, and none of it is taken for a key.
  usePaste((pasted) => {
    if (isOpen) type(pasted)
  })
  return {
    isOpen,
    press,
    open: (next) => setQuestion(next),
    lines: (out) => (question === null ? [] : promptLines(question, text, isMissing, out)),
  }
}

function promptLines(question: Question, text: string, isMissing: boolean, out: Canvas): string[] {
  const { title, what, isRequired } = question
  const wish = isRequired ? what : `${what} (may be empty)`
  const typed = chop(`${wish}: ${visibleLine(text)}▏`, out.width).slice(-LINES)
  const keys = `enter: ${title}  esc: back`
  const missing = isMissing ? [out.style('yellow', `It needs a ${what}.`)] : []
  return [...missing, ...typed, ...chop(keys, out.width).map((line) => out.style('dim', line))]
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\t]+/g, ' ')
}

/** Without its last character, as a person sees characters. */
function shorter(text: string): string {
  const last = [...new Intl.Segmenter().segment(text)].at(-1)
  return text.slice(0, last?.index ?? 0)
}
