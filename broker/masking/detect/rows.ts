import type { FieldDescription } from '../../../protocol/pg/backend.ts'
import type { CatalogueType } from '../../../protocol/pg/catalogue.ts'
import { MaskingError } from '../errors.ts'
import type { RowPlan } from '../plan.ts'
import type { Detector } from './detector.ts'
import type { Findings } from './findings.ts'
import type { Look } from './types.ts'

/** How the columns of a result are looked through, settled before the first row. */
export interface DetectPlan {
  /** True: no column can hold what is looked for. */
  readonly idle: boolean
  readonly looks: readonly Look[]
  readonly fields: readonly FieldDescription[]
  readonly types: ReadonlyMap<number, CatalogueType>
}

/** Masked columns are not looked at again. */
export function planDetection(
  detector: Detector,
  fields: readonly FieldDescription[],
  plan: RowPlan,
  types: ReadonlyMap<number, CatalogueType>,
): DetectPlan {
  const looks = fields.map(({ type, format }, index) =>
    plan.masked[index] === true ? null : detector.look(type, format, types),
  )
  return { idle: looks.every((look) => look === null), looks, fields, types }
}

const HEADER = 5

/** Looks through whole DataRow messages, in place: what is found is covered by as many bytes. */
export function detectRows(
  detector: Detector,
  plan: DetectPlan,
  bytes: Buffer,
  findings: Findings,
): void {
  if (plan.idle || (!hasBinaryNumbers(plan) && !detector.mayHold(bytes, 0, bytes.length))) return
  let at = 0
  while (at + HEADER + 2 <= bytes.length) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    if (end < at + HEADER + 2 || end > bytes.length) {
      throw new MaskingError('a row has a length that cannot be')
    }
    detectFields(detector, plan, bytes, at + HEADER, end, findings)
    at = end
  }
}

/** In binary a number does not look like one. */
function hasBinaryNumbers({ looks }: DetectPlan): boolean {
  return looks.some((look) => look === 'int8' || look === 'numeric' || look === 'nested')
}

/** The fields of one row: their number, then each with its length. Rows of a binary COPY are alike. */
export function detectFields(
  detector: Detector,
  plan: DetectPlan,
  bytes: Buffer,
  start: number,
  end: number,
  findings: Findings,
): void {
  let at = start + 2
  for (let column = 0; column < plan.looks.length; column++) {
    if (at + 4 > end) throw new MaskingError('a row ends before its last column')
    const length = bytes.readInt32BE(at)
    const value = at + 4
    at = length < 0 ? value : value + length
    if (at > end) throw new MaskingError('a value has a length that cannot be')
    const look = plan.looks[column]!
    if (look === null || length < 1) continue
    const { name, type } = plan.fields[column]!
    detector.value(look, type, bytes, value, at, plan.types, findings.counts(name))
  }
}
