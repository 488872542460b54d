import { createHash } from 'node:crypto'

/** The protected values of the cases' fixture, in every form in which one came out of some server. */

const VALUES = [
  ...['078-05-1120', '219-09-9999', '123-45-6789', '457-55-5462', '987-65-4320'],
  ...['4111111111111111', '5555555555554444', '378282246310005', '6011111111111117'],
  '4012888888881881',
]

const hash = (name: string, text: string) => createHash(name).update(text).digest('hex')

function forms(value: string): string[] {
  const digits = value.replaceAll('-', '')
  const plain = [value, digits, digits.replace(/^0+/, ''), [...value].reverse().join('')]
  const spelled = [...value].join(',')
  const hex = Buffer.from(value).toString('hex')
  const base64 = [0, 1, 2].map((skip) =>
    Buffer.from(value.slice(skip))
      .toString('base64')
      .replace(/.{0,3}=*$/, ''),
  )
  const hashes = ['md5', 'sha1', 'sha256', 'sha512'].map((name) => hash(name, value))
  return [...plain, value.replaceAll('-', '.'), spelled, hex, ...base64, ...hashes]
}

const FORMS = VALUES.flatMap((value) => forms(value).map((form) => ({ value, form })))

/** Values that these bytes show, but for what the client itself said. */
export function secretsIn(shown: Buffer, said: Buffer): string[] {
  const own = said.toString('latin1')
  const seen = shown.toString('latin1')
  return FORMS.filter(({ form }) => seen.includes(form) && !own.includes(form)).map(
    ({ value, form }) => `${value} as ${form}`,
  )
}
