/**
 * A gate is a protocol without its sockets: bytes and answers in, bytes and questions out. It owns
 * both conversations, with the client and with the target; nothing reaches either but its output.
 *
 * `Question` is what it must know to go on (what is this text? may this run?), `Answer` what it is
 * told, `Report` what it has to say of results on their way to the client.
 */
export type GateInput<Answer> =
  | { readonly type: 'client'; readonly bytes: Buffer }
  | { readonly type: 'target'; readonly bytes: Buffer }
  | { readonly type: 'answer'; readonly id: number; readonly answer: Answer }
  /** The client asks, beside the conversation, that what runs or waits be given up. */
  | { readonly type: 'cancel' }
  /** What was said of the target before may be out of date: it is to be asked again. */
  | { readonly type: 'renewed' }
  | { readonly type: 'client-closed' }
  | { readonly type: 'target-closed'; readonly why: string }
  /** Bytes that were spooled, read back for the target. */
  | { readonly type: 'spooled'; readonly bytes: Buffer }
  | { readonly type: 'spool-end' }

export type GateOutput<Question, Answer, Report> =
  /** For the target. */
  | { readonly type: 'send'; readonly bytes: Buffer }
  /** For the client: the protocol's own messages, no data of the target in them. */
  | { readonly type: 'reply'; readonly bytes: Buffer }
  /** For the client once it is masked and recorded. */
  | Report
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  /** What need not be asked, because the answer was known: for the record, in its place. */
  | { readonly type: 'known'; readonly question: Question; readonly answer: Answer }
  /** The question is not asked any more: what waited for its answer is given up. */
  | { readonly type: 'withdraw'; readonly id: number; readonly why: string }
  /** Ask the target to give up what it runs (CancelRequest). */
  | { readonly type: 'cancel-target'; readonly by: 'cancel' | 'gone' }
  /** Keep these bytes on disk, in order, until `replay` or `unspool`. */
  | { readonly type: 'spool'; readonly bytes: Buffer }
  | { readonly type: 'replay' }
  | { readonly type: 'unspool' }
  /** The conversation is over; what was put out before is delivered first. */
  | {
      readonly type: 'close'
      readonly fault: 'none' | 'client' | 'target' | 'hoop'
      readonly why: string
    }

export interface Gate<Question, Answer, Report> {
  handle(input: GateInput<Answer>): readonly GateOutput<Question, Answer, Report>[]
  /** Bytes of the client that are kept because their turn has not come. */
  readonly waiting: number
}
