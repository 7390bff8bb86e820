/**
 * http-cache-tests against a Herdgate started for it: `npm run conformance [-- --cookies rfc|safe] [-- --write]`.
 * Exits 1 when a required or optimal test does not pass that is no exception (exceptions.ts), in either mode.
 * --write puts the results of both modes in docs/conformance.md.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { startHerdgate } from '../support/herdgate.ts'
import { conformanceDocument, DOCUMENT } from './document.ts'
import { type Mode, MODES } from './exceptions.ts'
import { runSuite, startSuiteOrigin } from './processes.ts'
import { faults, report } from './report.ts'
import { judge, loadSuite, suiteVersion, type TestResult } from './suite.ts'

/** `safe` is what Herdgate does when it is not told anything. */
const FLAGS: Readonly<Record<Mode, readonly string[]>> = { rfc: ['--cookies', 'rfc'], safe: [] }

/** Starts an origin of the suite and a Herdgate before it, asks every question of the suite, and stops both. */
export async function runConformance(mode: Mode): Promise<TestResult[]> {
  const tests = await loadSuite()
  await using origin = await startSuiteOrigin()
  await using herdgate = await startHerdgate(['--origin', origin.url, ...FLAGS[mode]])
  return judge(tests, await runSuite(herdgate.url))
}

/**
 * What is not as it should be each time. The suite goes by the wall clock (what is fresh for two seconds is asked for
 * after one), so a machine that stands still for a moment makes some of its questions others than they were meant to be.
 */
export async function lastingFaults(mode: Mode, times: number): Promise<string[]> {
  let lasting: string[] | undefined
  for (let time = 0; time < times && lasting?.length !== 0; time++) {
    const found = faults(await runConformance(mode), mode)
    const again = new Set(found.map(subjectOf))
    lasting = (lasting ?? found).filter((fault) => again.has(subjectOf(fault)))
  }
  return lasting ?? []
}

const subjectOf = (fault: string): string => fault.slice(0, fault.indexOf(':'))

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { cookies: { type: 'string' }, write: { type: 'boolean' } } })
  const modes = MODES.filter((mode) => values.cookies === undefined || values.cookies === mode)
  if (modes.length === 0) throw new Error(`--cookies: expected ${MODES.join(' or ')}`)
  if (values.write && modes.length < MODES.length) throw new Error('--write needs the results of both modes')

  const results: Record<Mode, TestResult[]> = { rfc: [], safe: [] }
  for (const mode of modes) {
    results[mode] = await runConformance(mode)
    console.log([`\ncookies: ${mode}`, '', ...report(results[mode])].join('\n'))
    const wrong = faults(results[mode], mode)
    for (const line of wrong) console.error(`FAULT  ${line}`)
    if (wrong.length > 0) process.exitCode = 1
  }
  if (values.write) await writeFile(DOCUMENT, conformanceDocument(results, await suiteVersion()))
}

if (import.meta.main) await main()
