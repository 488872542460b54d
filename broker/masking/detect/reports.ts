import type { Detector } from './detector.ts'
import type { Findings } from './findings.ts'

const HEADER = 5
/** Fields of a report that have a form of their own: severity, SQLSTATE, places. */
const FORMAL: ReadonlySet<number> = new Set([...'SVCPpFLR'].map((letter) => letter.charCodeAt(0)))

/** Looks through the texts of an ErrorResponse or NoticeResponse, in place. */
export function detectReport(
  detector: Detector,
  bytes: Buffer,
  where: string,
  findings: Findings,
): void {
  let at = HEADER
  while (at < bytes.length && bytes[at] !== 0) {
    const end = bytes.indexOf(0, at + 1)
    if (end === -1) return
    if (!FORMAL.has(bytes[at]!)) detector.text('text', bytes, at + 1, end, findings.counts(where))
    at = end + 1
  }
}

/** Looks through a NotificationResponse: process, channel, payload. */
export function detectNotification(detector: Detector, bytes: Buffer, findings: Findings): void {
  let at = HEADER + 4
  while (at < bytes.length) {
    const end = bytes.indexOf(0, at)
    if (end === -1) return
    detector.text('text', bytes, at, end, findings.counts('notification'))
    at = end + 1
  }
}
