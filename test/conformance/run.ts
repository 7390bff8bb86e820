/**
 * http-cache-tests against a Herdgate started for it: `npm run conformance [-- --report | --update]`.
 * Exits 1 when a test listed in expected.json does not pass; with --report it only tells. --update lists in
 * expected.json the required and optimal tests that pass now; the answer to a check is neither right nor wrong.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { startHerdgate } from '../support/herdgate.ts'
import { runSuite, startSuiteOrigin } from './processes.ts'
import { judge, type Kind, loadSuite, type TestResult } from './suite.ts'

const EXPECTED = new URL('expected.json', import.meta.url)
const KINDS: readonly Kind[] = ['required', 'optimal', 'check']

/** Starts an origin of the suite and a Herdgate before it, asks every question of the suite, and stops both. */
export async function runConformance(): Promise<TestResult[]> {
  const tests = await loadSuite()
  await using origin = await startSuiteOrigin()
  await using herdgate = await startHerdgate(['--origin', origin.url, '--cookies', 'rfc'])
  return judge(tests, await runSuite(herdgate.url))
}

/** Ids of tests that must pass. */
export async function expectedIds(): Promise<string[]> {
  return z
    .string()
    .array()
    .parse(JSON.parse(await readFile(EXPECTED, 'utf8')))
}

/** Those of the expected tests that did not pass, with the suite's reason. */
export function regressions(results: readonly TestResult[], expected: readonly string[]): string[] {
  const byId = new Map(results.map((result) => [result.id, result]))
  return expected
    .map((id) => ({ id, result: byId.get(id) }))
    .filter(({ result }) => result?.verdict !== 'passed')
    .map(({ id, result }) => `${id}: ${result?.reason ?? 'not part of the suite'}`)
}

/** The results as lines of text: a table by kind, then every test that falls short. */
export function report(results: readonly TestResult[]): string[] {
  return [...tally(results), ...KINDS.flatMap((kind) => shortfalls(results, kind))]
}

function tally(results: readonly TestResult[]): string[] {
  const rows = KINDS.map((kind) => {
    const of = results.filter((result) => result.kind === kind)
    const count = (verdict: TestResult['verdict']): number => of.filter((result) => result.verdict === verdict).length
    const passed = count('passed')
    const share = ((100 * passed) / of.length).toFixed(1)
    const cells = [kind, `${passed}/${of.length}`, `${share} %`, count('failed'), count('setup'), count('dependency')]
    return `| ${cells.join(' | ')} |`
  })
  return ['| kind | passed | share | failed | setup | dependency |', '| --- | --- | --- | --- | --- | --- |', ...rows]
}

function shortfalls(results: readonly TestResult[], kind: Kind): string[] {
  const short = results.filter((result) => result.kind === kind && result.verdict !== 'passed')
  if (short.length === 0) return []
  const title = kind === 'check' ? 'check: answered no' : `${kind}: fell short`
  return ['', title, ...short.map(({ id, suite, verdict, reason }) => `  ${verdict}  ${suite}/${id}  ${reason}`)]
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { report: { type: 'boolean' }, update: { type: 'boolean' } } })
  const results = await runConformance()
  for (const line of report(results)) console.log(line)
  if (values.update) return update(results)
  if (values.report) return
  const lost = regressions(results, await expectedIds())
  for (const line of lost) console.error(`regressed  ${line}`)
  process.exitCode = lost.length === 0 ? 0 : 1
}

async function update(results: readonly TestResult[]): Promise<void> {
  const passing = results.filter(({ kind, verdict }) => kind !== 'check' && verdict === 'passed').map(({ id }) => id)
  await writeFile(EXPECTED, `${JSON.stringify(passing.sort(), null, 2)}\n`)
  console.log(`\nexpected.json lists ${passing.length} tests now`)
}

if (import.meta.main) await main()
