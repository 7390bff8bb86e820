import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'

/**
 * required: RFC 9111 demands it. optimal: a good cache does it. check: an observation, neither right nor wrong.
 */
export type Kind = 'required' | 'optimal' | 'check'

export interface SuiteTest {
  readonly id: string
  readonly name: string
  readonly suite: string
  readonly kind: Kind
  /** Tests that must pass for the result of this one to mean anything. */
  readonly dependsOn: readonly string[]
}

/**
 * passed: includes a check answered "yes". failed: includes "no". setup: the test could not set up its exchange, which
 * says nothing about the cache. dependency: a test this one depends on did not pass. untested: no result.
 */
export type Verdict = 'passed' | 'failed' | 'setup' | 'dependency' | 'untested'

export interface TestResult extends SuiteTest {
  readonly verdict: Verdict
  /** The suite's message; empty if passed. */
  readonly reason: string
}

/** The suite's raw results: true, or the error's name and message. */
export const rawResultsSchema = z.record(
  z.string(),
  z.union([z.literal(true), z.tuple([z.string(), z.string().nullable()])]),
)
export type RawResults = z.infer<typeof rawResultsSchema>

const testSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['required', 'optimal', 'check']).default('required'),
  depends_on: z.array(z.string()).default([]),
  browser_only: z.boolean().default(false),
})
const suiteSchema = z.object({ id: z.string(), tests: z.array(testSchema) })

/** Where the http-cache-tests package is installed. */
export const suiteFolder = dirname(createRequire(import.meta.url).resolve('http-cache-tests/package.json'))

export async function suiteVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(suiteFolder, 'package.json'), 'utf8'))
  return z.object({ version: z.string() }).parse(manifest).version
}

/** The suite's tests without those for browsers only, as its command line runs them. */
export async function loadSuite(): Promise<SuiteTest[]> {
  const suites = suiteSchema.array().parse(await importDefault('tests/index.mjs'))
  const surrogate = suiteSchema.parse(await importDefault('tests/surrogate-control.mjs'))
  return [...suites, surrogate].flatMap(({ id: suite, tests }) =>
    tests
      .filter((test) => !test.browser_only)
      .map(({ id, name, kind, depends_on: dependsOn }) => ({ id, name, suite, kind, dependsOn })),
  )
}

/** Translates raw results into verdicts: a test whose dependency did not pass counts as not run. */
export function judge(tests: readonly SuiteTest[], raw: RawResults): TestResult[] {
  const byId = new Map(tests.map((test) => [test.id, test]))
  const passes = (id: string): boolean =>
    raw[id] === true && (byId.get(id)?.dependsOn ?? []).every((dependency) => passes(dependency))

  return tests.map((test) => {
    const own = verdictOf(raw[test.id])
    const missing = test.dependsOn.find((dependency) => !passes(dependency))
    if (own.verdict === 'untested' || missing === undefined) return { ...test, ...own }
    return { ...test, verdict: 'dependency', reason: `needs ${missing}` }
  })
}

function verdictOf(result: RawResults[string] | undefined): Pick<TestResult, 'verdict' | 'reason'> {
  if (result === undefined) return { verdict: 'untested', reason: 'no result' }
  if (result === true) return { verdict: 'passed', reason: '' }
  const [error, message] = result
  return { verdict: error === 'Setup' ? 'setup' : 'failed', reason: `${error}: ${message ?? 'no message'}` }
}

async function importDefault(path: string): Promise<unknown> {
  const module: unknown = await import(pathToFileURL(join(suiteFolder, path)).href)
  return z.object({ default: z.unknown() }).parse(module).default
}
