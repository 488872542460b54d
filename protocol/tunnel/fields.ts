import { MalformedBytes } from '../bytes/cursor.ts'
import type { Plain } from './msgpack.ts'

/** One map of a control message, read field by field: the right type and within its length, or no. */
export class Fields {
  private readonly map: { readonly [key: string]: Plain }
  private readonly what: string

  constructor(value: Plain | undefined, what: string) {
    if (!isMap(value)) throw new MalformedBytes(`${what} is not a map`)
    this.map = value
    this.what = what
  }

  private get(name: string): Plain | undefined {
    return Object.hasOwn(this.map, name) ? this.map[name] : undefined
  }

  private wrong(name: string, wanted: string): MalformedBytes {
    return new MalformedBytes(`${this.what}: ${name} is not ${wanted}`)
  }

  text(name: string, most: number): string {
    const value = this.get(name)
    if (typeof value !== 'string' || value.length > most) {
      throw this.wrong(name, `a text of at most ${most}`)
    }
    return value
  }

  textOrNull(name: string, most: number): string | null {
    const value = this.get(name)
    return value === null || value === undefined ? null : this.text(name, most)
  }

  integer(name: string, least: number, most: number): number {
    const value = this.get(name)
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
      throw this.wrong(name, `a whole number from ${least} to ${most}`)
    }
    return value
  }

  /** A copy: the message's buffer is not kept alive by it. */
  bytes(name: string, least: number, most: number): Buffer {
    const value = this.get(name)
    if (!Buffer.isBuffer(value) || value.length < least || value.length > most) {
      throw this.wrong(name, `${least} to ${most} bytes`)
    }
    return Buffer.from(value)
  }

  /** Absent: no. */
  flag(name: string): boolean {
    const value = this.get(name) ?? false
    if (typeof value !== 'boolean') throw this.wrong(name, 'true or false')
    return value
  }

  nested(name: string): Fields {
    return new Fields(this.get(name), `${this.what}: ${name}`)
  }

  names(): string[] {
    return Object.keys(this.map)
  }

  /** All fields as they are; bytes have no place in them. */
  plain(): { readonly [key: string]: TextPlain } {
    return Object.fromEntries(this.names().map((name) => [name, textual(this.get(name) ?? null)]))
  }
}

/** {@link Plain} without bytes: what JSON can say. */
export type TextPlain =
  | null
  | boolean
  | number
  | string
  | readonly TextPlain[]
  | { readonly [key: string]: TextPlain }

function textual(value: Plain): TextPlain {
  if (Buffer.isBuffer(value)) throw new MalformedBytes('bytes where JSON cannot have them')
  if (Array.isArray(value)) return value.map(textual)
  if (!isMap(value)) return value as TextPlain
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, textual(field)]))
}

function isMap(value: Plain | undefined): value is { readonly [key: string]: Plain } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  )
}
