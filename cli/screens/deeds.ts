import type { Key } from 'ink'
import { useState } from 'react'
import type { Request } from '../../protocol/api/requests.ts'
import { HoopError } from '../../protocol/errors.ts'
import type { Canvas } from '../output/field.ts'
import { consequence, describeMissing } from '../output/request-fields.ts'
import { visibleLine } from '../output/visible.ts'
import { chop, wrap } from '../output/width.ts'
import type { Deed, Desk } from './desk.ts'
import type { Key as NamedKey } from './keys.ts'
import { keyLines } from './lines.ts'
import { type Prompt, usePrompt } from './prompt.ts'

export interface Deeds {
  /** True: the key was for what is typed, or came while something is on its way. */
  readonly takes: (input: string, key: Key) => boolean
  readonly begin: (deed: Deed, request: Request) => void
  readonly say: (text: string) => void
  readonly hush: () => void
  /** What was said last, and what is typed. */
  readonly lines: (out: Canvas) => string[]
  readonly prompt: Prompt
}

const TITLES: Readonly<Record<Deed, readonly [title: string, what: string, isRequired: boolean]>> =
  {
    approve: ['approve', 'comment', false],
    reject: ['reject', 'reason', true],
    ask: ['ask', 'question', true],
    answer: ['answer', 'answer', true],
    cancel: ['cancel it', 'reason', false],
  }

/** What a person does from a screen: asked for its text, done, told how it went. */
export function useDeeds(desk: Desk): Deeds {
  const prompt = usePrompt()
  const [notice, setNotice] = useState<string | null>(null)
  const [isSending, setSending] = useState(false)
  const act = async (deed: Deed, id: string, text: string): Promise<void> => {
    setSending(true)
    setNotice('…')
    try {
      setNotice(doneText(deed, await desk.act(deed, id, text)))
    } catch (error) {
      setNotice(failureText(error))
    } finally {
      setSending(false)
    }
  }
  return {
    takes: (input, key) => {
      if (prompt.isOpen) prompt.press(input, key)
      return prompt.isOpen || (isSending && !key.ctrl)
    },
    begin: (deed, { id }) => {
      const [title, what, isRequired] = TITLES[deed]
      setNotice(null)
      prompt.open({
        ...{ title: `${title} ${id}`, what, isRequired },
        done: (text) => void act(deed, id, text),
      })
    },
    say: setNotice,
    hush: () => setNotice(null),
    lines: (out) => [...(notice === null ? [] : noticeLines(notice, out)), ...prompt.lines(out)],
    prompt,
  }
}

function doneText(deed: Deed, request: Request): string {
  const { id, state } = request
  switch (deed) {
    case 'approve':
      return state === 'pending'
        ? `Your approval of ${id} is kept; still asked: ${describeMissing(request)}.`
        : `Approved ${id}. ${consequence(request)}`
    case 'reject':
      return `Rejected ${id}; ${request.requester} is told why.`
    case 'ask':
      return `Asked ${request.requester} about ${id}; it still waits.`
    case 'answer':
      return `Answered; ${id} still waits.`
    case 'cancel':
      return `Cancelled ${id}. Nobody can approve it any more.`
  }
}

export function failureText(error: unknown): string {
  if (!(error instanceof HoopError)) return error instanceof Error ? error.message : String(error)
  return error.hint === null ? error.message : `${error.message} ${error.hint}`
}

/** The bottom of a screen: what was said, what is typed, or what can be pressed. */
export function footLines(keys: readonly NamedKey[], deeds: Deeds, out: Canvas): string[] {
  return [...deeds.lines(out), ...(deeds.prompt.isOpen ? [] : keyLines(keys, out))]
}

function noticeLines(notice: string, out: Canvas): string[] {
  return wrap(visibleLine(notice), out.width)
    .flatMap((line) => chop(line, out.width))
    .map((line) => out.style('yellow', line))
}
