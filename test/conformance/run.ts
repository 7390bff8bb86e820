/**
 * Runs http-cache-tests against a Herdgate of its own: `npm run conformance [-- --cookies rfc|safe] [-- --write]`.
 * Exits with 1 if a required or optimal test that is not an exception (exceptions.ts) fails in either mode.
 * --write writes the results of both modes to docs/conformance.md.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { startHerdgate } from '../support/herdgate.ts'
import { conformanceDocument, DOCUMENT } from './document.ts'
import { type Mode, MODES } from './exceptions.ts'
import { runSuite, startSuiteOrigin } from './processes.ts'
import { faults, report } from './report.ts'
import { judge, loadSuite, suiteVersion, type TestResult } from './suite.ts'

/** `safe` is the default. */
const FLAGS: Readonly<Record<Mode, readonly string[]>> = { rfc: ['--cookies', 'rfc'], safe: [] }

/** Starts an origin of the suite and a Herdgate in front of it, runs all tests of the suite, and stops both. */
export async function runConformance(mode: Mode): Promise<TestResult[]> {
  const tests = await loadSuite()
  await using origin = await startSuiteOrigin()
  await using herdgate = await startHerdgate(['--origin', origin.url, ...FLAGS[mode]])
  return judge(tests, await runSuite(herdgate.url))
}

/**
 * Faults that occur in every run. The suite relies on the wall clock (it sends a request after one second for what is
 * fresh for two), so a machine that stalls briefly invalidates some of its tests.
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
