/** What detectors find, said plainly: regular expressions at every place, in no hurry. */

const BEFORE = String.raw`(?<![\d_])(?<!\\u)(?<!\d\.)(?<![\d_][A-Za-z]+)`
const BEHIND = String.raw`(?![\d_])(?!\.\d)(?![A-Za-z]+[\d_])`
const APART = [String.raw`(?<![A-Za-z\d]-)`, String.raw`(?!-[A-Za-z\d])`] as const

const alone = (body: string): RegExp => new RegExp(`${BEFORE}${body}${BEHIND}`, 'y')
const apart = (body: string): RegExp => alone(`${APART[0]}${body}${APART[1]}`)

const CARDS = [
  alone(String.raw`\d{13,19}`),
  apart(String.raw`\d{4}([ -])\d{4}\1\d{4}\1\d{4}\1\d{3}`),
  apart(String.raw`\d{4}([ -])\d{4}\1\d{4}\1\d{4}`),
  apart(String.raw`\d{4}([ -])\d{6}\1\d{5}`),
  apart(String.raw`\d{4}([ -])\d{6}\1\d{4}`),
]
const SSN = apart(String.raw`(?!000|666)\d{3}-(?!00)\d\d-(?!0000)\d{4}`)

/** Issued first digits with their lengths, as in ISO/IEC 7812 and what the schemes publish. */
const ISSUED = [
  /^4(\d{12}|\d{15}|\d{18})$/,
  /^(5[1-5]\d{4}|222[1-9]\d\d|22[3-9]\d{3}|2[3-6]\d{4}|27[01]\d{3}|2720\d\d)\d{10}$/,
  /^3[47]\d{13}$/,
  /^(36|38|39)\d{12}$/,
  /^30[0-5]\d{11}$/,
  /^(352[89]|35[3-8]\d)\d{12,15}$/,
  /^(6011|64[4-9]\d|65\d\d)(\d{12}|\d{15})$/,
  /^62\d{14,17}$/,
  /^220[0-4]\d{12,15}$/,
  /^(5018|5020|5038|5893|6304|6759|676[123])\d{9,15}$/,
]

function isCard(text: string): boolean {
  const digits = text.replace(/\D/g, '')
  const sum = [...digits].reverse().reduce((total, digit, at) => {
    const twice = Number(digit) * (at % 2 === 0 ? 1 : 2)
    return total + (twice > 9 ? twice - 9 : twice)
  }, 0)
  return sum % 10 === 0 && ISSUED.some((form) => form.test(digits))
}

function at(form: RegExp, text: string, place: number): string | null {
  form.lastIndex = place
  return form.exec(text)?.[0] ?? null
}

function numbers(text: string): string[] {
  const found: string[] = []
  for (let place = 0; place < text.length; place++) {
    const card = CARDS.map((form) => at(form, text, place)).find(
      (one) => one !== null && isCard(one),
    )
    const ssn = card === undefined ? at(SSN, text, place) : null
    const value = card ?? ssn
    if (value === null || value === undefined) continue
    found.push(`${ssn === null ? 'card' : 'ssn'}@${place}: ${value}`)
    place += value.length - 1
  }
  return found
}

const IBAN_LENGTHS: Readonly<Record<string, number>> = { GB: 22, NL: 18, NO: 15, DE: 22 }

function ibans(text: string): string[] {
  const found: string[] = []
  for (let place = 0; place < text.length; place++) {
    const length = IBAN_LENGTHS[text.slice(place, place + 2).toUpperCase()]
    if (length === undefined || !beginsWord(text, place)) continue
    for (const separator of ['', ' ', '-']) {
      const value = text.slice(place, place + length + separator.length * ((length - 1) >> 2))
      const groups = separator === '' ? [value] : value.split(separator)
      const plain = groups.join('')
      const size = separator === '' ? length : 4
      const isWhole = groups.every((group, index) => {
        return group.length === Math.min(size, length - index * size)
      })
      const isOne = /^([A-Z]{2}\d\d[A-Z\d]+|[a-z]{2}\d\d[a-z\d]+)$/.test(plain)
      const isMostlyDigits = plain.replace(/\D/g, '').length >= 10
      const isOver = !/\w/.test(text[place + value.length] ?? '')
      if (plain.length === length && isWhole && isOne && isMostlyDigits && isOver) {
        if (remainder(plain) === 1n) found.push(`iban@${place}: ${value}`)
      }
    }
  }
  return found
}

function remainder(iban: string): bigint {
  const turned = `${iban.slice(4)}${iban.slice(0, 4)}`
  return BigInt([...turned].map((one) => Number.parseInt(one, 36)).join('')) % 97n
}

function beginsWord(text: string, place: number): boolean {
  return !/\w/.test(text[place - 1] ?? '') || text[place - 2] === '\\'
}

/** Tokens, and keys that begin as their maker says. */
const SECRETS: readonly (readonly [kind: string, form: RegExp])[] = [
  ['jwt', /eyJ[\w-]{9,}(\.eyJ[\w-]*\.[\w-]*|(?!\.eyJ)(\.[\w-]*){4})/y],
  ['cloud_key', /(AKIA|ASIA|ABIA)[\w-]{16}(?![\w-])/y],
  ['cloud_key', /AIza[\w-]{35}(?![\w-])/y],
  ['cloud_key', /GOCSPX-[\w-]{28}(?![\w-])/y],
  ['cloud_key', /(xox[abprs]|xapp)-[\w-]{20,255}(?![\w-])/y],
  ['cloud_key', /gh[pousr]_[\w-]{36,255}(?![\w-])/y],
  ['cloud_key', /github_pat_[\w-]{60,255}(?![\w-])/y],
  ['cloud_key', /npm_[\w-]{36}(?![\w-])/y],
  ['cloud_key', /[sr]k_live_[\w-]{16,255}(?![\w-])/y],
  ['cloud_key', /whsec_[\w-]{24,255}(?![\w-])/y],
]

function secrets(text: string): string[] {
  return Array.from({ length: text.length }, (_, place) =>
    SECRETS.flatMap(([kind, form]) => {
      const value = at(form, text, place)
      const isFree = kind === 'jwt' || beginsWord(text, place)
      return value !== null && isFree ? [`${kind}@${place}: ${value}`] : []
    }),
  ).flat()
}

/** Behind an AWS key id, so many characters of base64 of all sorts are its secret. */
function paired(text: string, ids: readonly string[]): string[] {
  return ids.flatMap((id) => {
    const place = Number(/@(\d+): A[KSB]IA/.exec(id)?.[1] ?? text.length) + 20
    const secret = /[A-Za-z\d+/]{40,}/.exec(text.slice(place))
    if (secret === null || secret.index >= 32 || secret[0].length !== 40) return []
    const isMixed = [/[a-z]/, /[A-Z]/, /\d/].every((sort) => sort.test(secret[0]))
    return isMixed ? [`cloud_key@${place + secret.index}: ${secret[0]}`] : []
  })
}

/** Everything in a text of ASCII, as `kind@place: value`, sorted. */
export function reference(text: string): string[] {
  const keys = secrets(text)
  return [...new Set([...numbers(text), ...ibans(text), ...keys, ...paired(text, keys)])].sort()
}
