import { dirname, resolve } from 'node:path'
import { Args, Flags } from '@oclif/core'
import type { CaseFile } from '../../../broker/trial/cases.ts'
import type { Got } from '../../../broker/trial/check.ts'
import { Tested } from '../../../protocol/api/trial.ts'
import { EXIT, HoopError } from '../../../protocol/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { documentOf, printChecked } from '../../output/policy-test.ts'
import { readText } from '../../text-file.ts'

export default class PolicyTest extends BaseCommand {
  static override summary =
    'Hold a policy against its cases: who, where, which statement, what is expected.'
  static override description =
    'The cases of policy.yaml stand beside it in policy.test.yaml. Needs no broker and no target: the schema in the file is made in a PostgreSQL of its own. Exit code 1: a case failed; 2: one of the files has faults.'
  static override examples = [
    '<%= config.bin %> policy test policy.yaml',
    '<%= config.bin %> policy test policy.yaml --broker',
  ]
  static override args = {
    file: Args.string({ description: 'the policy', required: true }),
  }
  static override flags = {
    cases: Flags.string({
      description: 'the cases; unsaid: FILE with .test before its ending',
      helpValue: 'FILE',
    }),
    broker: Flags.boolean({
      description: 'judge by the real catalogues, through the broker (auditors and administrators)',
    }),
    schema: Flags.boolean({ description: 'print the JSON Schema of a file of cases, for editors' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PolicyTest)
    const { casesJsonSchema, readCases } = await import('../../../broker/trial/cases.ts')
    if (flags.schema) return this.out.data(JSON.stringify(casesJsonSchema(), null, 2))
    const { parsePolicy } = await import('../../../broker/policy/parse.ts')
    const { check } = await import('../../../broker/trial/check.ts')
    const text = readText(args.file)
    const policy = parsePolicy(text, args.file)
    const casesFile = flags.cases ?? besides(args.file)
    const cases = readCases(readText(casesFile, BESIDE), casesFile, policy)
    const got = flags.broker
      ? await this.#byBroker(text, args.file, cases)
      : await byScratch(text, args.file, casesFile, cases)
    const all = cases.cases.map((one, index) => check(one, got[index]!))
    const { ok, failed } = documentOf(all)
    if (this.json) this.out.document(documentOf(all))
    else printChecked(this.out, all)
    if (!ok) throw failing(failed, all.length)
    this.out.say(`${all.length === 1 ? 'The case is' : `All ${all.length} cases are`} as expected.`)
  }

  async #byBroker(policy: string, file: string, { cases }: CaseFile): Promise<readonly Got[]> {
    const api = await this.api()
    const asked = cases.map(({ groups, connection, database, sql }) => {
      return { groups, connection, database, sql }
    })
    const body = { policy, file, cases: asked }
    return api.request('POST', '/v1/policy/test', { body, schema: Tested })
  }
}

async function byScratch(
  text: string,
  file: string,
  casesFile: string,
  { cases, schemas }: CaseFile,
): Promise<readonly Got[]> {
  const { parsePolicy } = await import('../../../broker/policy/parse.ts')
  const { Trial } = await import('../../../broker/trial/ground.ts')
  const { openScratch, SchemaError } = await import('../../../broker/demo/scratch.ts')
  const scratch = await openScratch()
  try {
    const trial = new Trial(parsePolicy(text, file), async (connection) => {
      const source = schemas.get(connection) ?? schemas.get('*') ?? { text: '' }
      const from = 'file' in source ? resolve(dirname(casesFile), source.file) : null
      const sql = 'file' in source ? readText(from!) : source.text
      return scratch.ground(sql).catch((error: unknown) => {
        if (error instanceof SchemaError) throw badSchema(from ?? casesFile, error, from === null)
        throw error
      })
    })
    const got: Got[] = []
    for (const one of cases) got.push(await trial.judge(one))
    return got
  } finally {
    await scratch.close()
  }
}

const BESIDE = 'Cases stand beside the policy in policy.test.yaml, or where --cases says.'

/** `policy.yaml` → `policy.test.yaml` */
function besides(file: string): string {
  return file.replace(/(\.ya?ml)?$/, (ending) => `.test${ending || '.yaml'}`)
}

function failing(failed: number, all: number): HoopError {
  return new HoopError({
    code: 'cases_failed',
    message: `${failed} of ${all} cases ${failed === 1 ? 'is' : 'are'} not as expected.`,
    exit: EXIT.failed,
    fault: 'policy',
  })
}

function badSchema(
  file: string,
  { message, line }: { readonly message: string; readonly line: number },
  inline: boolean,
): HoopError {
  const where = inline ? `${file}: line ${line} of its schema` : `${file}:${line}`
  return new HoopError({
    code: 'bad_schema',
    message: `${where}: ${message}.`,
    hint: 'It is run by a role that owns the database and is no superuser; of a dump leave owners and grants out (pg_dump -s -O -x).',
    exit: EXIT.usage,
    fault: 'client',
  })
}
