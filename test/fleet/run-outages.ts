/**
 * `npm run outages -- [--rate 1000] [--seconds 10] [--lease 5] [outage ...]`
 *
 * Breaks Redis, in every way or those named, while three nodes serve this many requests a second, and prints what
 * clients and purges saw. Exits with 1 if a client got no good answer or one that a purge forbids, a purge was
 * acknowledged that could not be logged, latency rose by more than 60 ms, or hits took more than 10 s to come back.
 */
import { parseArgs } from 'node:util'
import { runOutage, OUTAGES, type OutageName, type OutageReport } from './outage.ts'

const MAX_ADDED_MS = 60
const RECOVERED_WITHIN_MS = 10_000

process.once('SIGTERM', () => process.exit(1)) // runs the exit handler that kills the servers

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    lease: { type: 'string', default: '5' },
  },
})
const isOutage = (name: string): name is OutageName => Object.hasOwn(OUTAGES, name)
const names = positionals.length === 0 ? Object.keys(OUTAGES) : positionals
const unknown = names.filter((name) => !isOutage(name))
if (unknown.length > 0) fail(`no such outage: ${unknown.join(', ')}; there are ${Object.keys(OUTAGES).join(', ')}`)

const seconds = positive('seconds') * 1_000
const options = {
  perSecond: positive('rate'),
  beforeMs: seconds,
  duringMs: seconds,
  leaseMs: positive('lease') * 1_000,
}
for (const name of names.filter(isOutage)) print(name, await runOutage(name, options))

function print(name: OutageName, report: OutageReport): void {
  const { requests, failures, p99, hitRatioBefore, recoveredAfterMs, purges, purgeAfter, violations } = report
  const faults = faultsOf(name, report)
  console.log(`${name}: ${requests} requests, ${failures.length} failed, ${violations.length} forbidden answers`)
  console.log(`  p99 before ${ms(p99.before)}, during ${ms(p99.during)}, after ${ms(p99.after)}`)
  console.log(`  hits ${(hitRatioBefore * 100).toFixed(1)} %, back after ${ms(recoveredAfterMs)}`)
  console.log(`  purges answered ${tally(purges)}, afterwards ${purgeAfter}`)
  for (const fault of faults) console.log(`  FAULT ${fault}`)
  for (const violation of violations.slice(0, 3)) console.log(violation)
  for (const failure of [...new Set(failures)].slice(0, 5)) console.log(`  ${failure}`)
  if (faults.length > 0) process.exitCode = 1
}

function faultsOf(name: OutageName, report: OutageReport): string[] {
  const { failures, violations, p99, recoveredAfterMs, purges, purgeAfter } = report
  const faults: Record<string, boolean> = {
    'clients without a good answer': failures.length > 0,
    'answers that a purge forbids': violations.length > 0,
    'a purge acknowledged that was not logged': OUTAGES[name].refusesPurges && purges.includes(200),
    [`p99 more than ${MAX_ADDED_MS} ms higher than before`]: p99.during > p99.before + MAX_ADDED_MS,
    'hits not back in time': recoveredAfterMs > RECOVERED_WITHIN_MS,
    'purges not acknowledged afterwards': purgeAfter !== 200,
  }
  return Object.keys(faults).filter((fault) => faults[fault])
}

function tally(statuses: readonly number[]): string {
  const counts = Map.groupBy(statuses, (status) => status)
  return [...counts].map(([status, all]) => `${status} x ${all.length}`).join(', ') || 'none'
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}

function positive(name: 'rate' | 'seconds' | 'lease'): number {
  const number = Number(values[name])
  return Number.isFinite(number) && number > 0 ? number : fail(`--${name} takes a number above 0`)
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
