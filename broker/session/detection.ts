import type { NewEntry } from '../../protocol/log/entries.ts'
import type { CatalogueType } from '../../protocol/pg/catalogue.ts'
import type { Execution, Part } from '../../protocol/pg/execution.ts'
import { HEADER } from '../../protocol/pg/framer.ts'
import type { CopyOptions } from '../../protocol/pg/statement.ts'
import { binaryStart, type CopyDetector, copyDetector } from '../masking/detect/copy.ts'
import type { Detector } from '../masking/detect/detector.ts'
import { Findings } from '../masking/detect/findings.ts'
import { type Cutter, fieldCutter, PartDetector, wholeCutter } from '../masking/detect/parts.ts'
import { detectNotification, detectReport } from '../masking/detect/reports.ts'
import { type DetectPlan, detectRows, planDetection } from '../masking/detect/rows.ts'
import type { RowPlan } from '../masking/plan.ts'

/**
 * The second net of one session: looks through what masking leaves as it is, and notes for the
 * record how much it found of what, where.
 */
export class Detection {
  private readonly source: () => Detector
  private readonly types: () => ReadonlyMap<number, CatalogueType>
  /** What was found and is not in the record yet, by the text's number; 0 = beside all statements. */
  private readonly open = new Map<number, Findings>()
  private last: {
    readonly row: RowPlan
    readonly detector: Detector
    readonly plan: DetectPlan
  } | null = null
  private copying: {
    readonly execution: Execution
    readonly plan: DetectPlan
    readonly look: CopyDetector
  } | null = null
  /** The row that comes in parts. */
  private parts: PartDetector | null = null

  constructor(source: () => Detector, types: () => ReadonlyMap<number, CatalogueType>) {
    this.source = source
    this.types = types
  }

  /** The policy may look for other things than it did. */
  private get detector(): Detector {
    return this.source()
  }

  /** Rows as they go to the client. Parts of a row come out later than they go in. */
  rows(execution: Execution, row: RowPlan, bytes: Buffer, part: Part): Buffer {
    if (this.detector.idle) return bytes
    const plan = this.planOf(execution, row)
    if (plan.idle) return bytes
    const findings = this.findings(execution.notes.ref)
    if (part !== 'whole') return this.part(findings, bytes, part, () => fieldCutter(plan, HEADER))
    detectRows(this.detector, plan, bytes, findings)
    return bytes
  }

  /** CopyData messages, or the payload of a part of one. */
  copy(
    execution: Execution,
    row: RowPlan,
    options: CopyOptions,
    bytes: Buffer,
    part: Part,
  ): Buffer {
    if (this.detector.idle) return bytes
    const { plan, look } = this.copyOf(execution, row, options)
    if (plan.idle) return bytes
    if (part === 'whole') {
      look(bytes)
      return bytes
    }
    return this.part(this.findings(execution.notes.ref), bytes, part, () =>
      options.format === 'binary'
        ? fieldCutter(plan, binaryStart(bytes, 0, bytes.length))
        : wholeCutter(),
    )
  }

  /** ErrorResponse or NoticeResponse. */
  report(execution: Execution | null, bytes: Buffer, where: 'error' | 'notice'): void {
    if (this.detector.idle) return
    detectReport(this.detector, bytes, where, this.findings(execution?.notes.ref ?? 0))
  }

  notification(bytes: Buffer): void {
    if (!this.detector.idle) detectNotification(this.detector, bytes, this.findings(0))
  }

  /** What was found until now goes into the record. */
  note(entries: NewEntry[]): void {
    if (this.open.size === 0) return
    for (const [ref, findings] of this.open) {
      const list = findings.list()
      if (list.length === 0) continue
      entries.push({
        kind: 'found',
        ref: ref === 0 ? null : ref,
        where: list.map(([where]) => where),
        what: list.map(([, what]) => what),
        counts: list.map(([, , count]) => count),
      })
    }
    this.open.clear()
  }

  private part(findings: Findings, bytes: Buffer, part: Part, cutter: () => Cutter): Buffer {
    if (part === 'first' || this.parts === null) {
      this.parts = new PartDetector(this.detector, findings, cutter())
    }
    const out = this.parts.push(bytes, part === 'last')
    if (part === 'last') this.parts = null
    return out
  }

  /** The same plan of masks is that of the same shape: it is looked through in the same way. */
  private planOf(execution: Execution, row: RowPlan): DetectPlan {
    const { detector, last } = this
    if (last?.row === row && last.detector === detector) return last.plan
    const fields = execution.shape?.fields ?? []
    const plan = planDetection(detector, fields, row, this.types())
    this.last = { row, detector, plan }
    return plan
  }

  private copyOf(execution: Execution, row: RowPlan, options: CopyOptions) {
    if (this.copying?.execution === execution) return this.copying
    const format = options.format === 'binary' ? 1 : 0
    const fields = (execution.shape?.fields ?? []).map((field) => ({ ...field, format }))
    const plan = planDetection(this.detector, fields, row, this.types())
    const look = copyDetector(this.detector, plan, options, this.findings(execution.notes.ref))
    this.copying = { execution, plan, look }
    return this.copying
  }

  private findings(ref: number): Findings {
    let findings = this.open.get(ref)
    if (findings === undefined) {
      findings = new Findings()
      this.open.set(ref, findings)
    }
    return findings
  }
}
