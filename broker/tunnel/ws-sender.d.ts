import 'ws'

declare module 'ws' {
  /** The types of `ws` leave it out. */
  export const Sender: {
    /** RFC 6455 section 5.2. The payload comes second, as it was given; not at all when it is empty. */
    frame(
      data: Buffer,
      options: {
        readonly fin: boolean
        readonly opcode: number
        readonly mask: boolean
        readonly readOnly: boolean
        readonly rsv1: boolean
      },
    ): [header: Buffer, payload?: Buffer]
  }
}
