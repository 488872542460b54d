import { BaseCommand } from '../base-command.ts'
import type { Finding } from '../doctor/checks.ts'
import { visibleLine } from '../output/visible.ts'
import { wrap } from '../output/width.ts'

const MARKS = {
  ok: ['✓', 'green'],
  warn: ['!', 'yellow'],
  fail: ['✗', 'red'],
} as const

const LABEL = 18

export default class Doctor extends BaseCommand {
  static override summary = 'What is wrong here.'
  static override description =
    `Looks at this machine's files, keychain and clock, the broker, the identity provider, your
login, and each target as the broker sees it. Exits 0 when nothing fails.`
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --json']

  async run(): Promise<void> {
    await this.parse(Doctor)
    const [{ examine }, { Profile }, { hoopVersion }] = await Promise.all([
      import('../doctor/checks.ts'),
      import('../local/profile.ts'),
      import('../version.ts'),
    ])
    const findings: Finding[] = []
    for await (const finding of examine(await Profile.load(this.profileName), hoopVersion())) {
      findings.push(finding)
      if (!this.json) this.#print(finding)
    }
    const worst = findings.find(({ status }) => status === 'fail')
    if (this.json) {
      const checks = findings.map(({ exit: _, ...check }) => check)
      this.out.document({ ok: worst === undefined, checks })
    }
    process.exitCode = worst?.exit ?? 0
  }

  #print({ name, status, message, hint }: Finding): void {
    const [mark, colour] = MARKS[status]
    const room = Math.max(24, this.out.width - LABEL - 2)
    const lines = [
      ...wrap(visibleLine(message), room),
      ...(hint === null || status === 'ok' ? [] : wrap(`→ ${visibleLine(hint)}`, room)),
    ]
    const label = visibleLine(name).padEnd(LABEL - 2)
    const beside = label.length <= LABEL - 2 ? (lines.shift() ?? '') : ''
    this.out.data(`${this.out.style(colour, mark)} ${label}${beside}`.trimEnd())
    for (const line of lines) this.out.data(' '.repeat(LABEL) + line)
  }
}
