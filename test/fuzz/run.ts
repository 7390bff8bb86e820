/**
 * `npm run fuzz -- [--seconds 60] [--parser name] [--jobs 2] [--seed 1] [--save]`
 *
 * Fuzzes every parser, or those given by name or file, for this many seconds each. Exits with 1 if one throws, breaks a
 * rule, or takes longer than 100 ms for an input, which is then written to the corpus. `--save` replaces the committed
 * corpus with the inputs that proved essential.
 *
 * The seed determines how inputs are mutated; which are mutated further also depends on the coverage that V8 reports,
 * so two runs with one seed may diverge. A finding is reproduced by its input in the corpus, which `npm test` runs.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { keepRegression, replaceCorpus } from './corpus.ts'
import type { Target } from './target.ts'
import { targets } from './targets.ts'
import type { Report, Task } from './worker.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    parser: { type: 'string', multiple: true, default: [] },
    jobs: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    save: { type: 'boolean', default: false },
  },
})
const seconds = positive('seconds')
const jobs = positive('jobs')
const seed = positive('seed')
const chosen = targets.filter(({ name, covers }) => {
  return values.parser.length === 0 || values.parser.some((wanted) => name === wanted || covers.includes(wanted))
})
if (chosen.length === 0) fail(`no such parser; there are ${targets.map(({ name }) => name).join(', ')}`)

/** An input still running at this many checks in a row hangs; a stall of the whole machine costs only one check. */
const HANGING_LOOKS = 20
const LOOK_MS = 500
const HANG_MS = HANGING_LOOKS * LOOK_MS

console.log(`seed ${seed}, ${seconds} s for each of ${chosen.length} targets, ${jobs} at a time\n`)
const waiting = [...chosen]
const outcomes: boolean[] = []
await Promise.all(Array.from({ length: jobs }, work))
if (outcomes.includes(false)) process.exitCode = 1

async function work(): Promise<void> {
  for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
    const report = await fuzz(target)
    tell(target, report)
    if (values.save) replaceCorpus(target.name, report.essential)
    outcomes.push(report.failures.length === 0)
  }
}

async function fuzz(target: Target): Promise<Report> {
  const task: Task = {
    target: target.name,
    seconds,
    seed,
    progress: new SharedArrayBuffer(target.maxLength),
    counters: new SharedArrayBuffer(8),
  }
  const { promise, resolve } = Promise.withResolvers<Report>()
  const start = performance.now()
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: task })
  const stopWatching = watch(task, () => end('hang', `no end within ${HANG_MS} ms`))
  worker.on('message', (report: Report) => resolve(report))
  worker.on('error', (error) => end('crash', error instanceof Error ? (error.stack ?? error.message) : String(error)))
  worker.on('exit', () => end('crash', 'the thread ended'))
  const report = await promise
  stopWatching()
  await worker.terminate()
  return report

  function end(rule: string, message: string): void {
    const [executions = 0, length = 0] = new Int32Array(task.counters)
    const input = Buffer.from(task.progress).toString('latin1', 0, length)
    const elapsed = (performance.now() - start) / 1000
    const failures = [{ rule, message, input }]
    resolve({ executions, seconds: elapsed, kept: 0, slowest: { ms: HANG_MS, length }, failures, essential: [] })
  }
}

/** Checks regularly whether inputs are still being run. */
function watch({ counters }: Task, stuck: () => void): () => void {
  const runs = new Int32Array(counters)
  let last = -1
  let looks = 0
  const timer = setInterval(() => {
    const current = Atomics.load(runs, 0)
    looks = current === last && current > 0 ? looks + 1 : 0
    last = current
    if (looks > HANGING_LOOKS) stuck()
  }, LOOK_MS)
  return () => clearInterval(timer)
}

function tell(target: Target, report: Report): void {
  const { executions, slowest, failures, kept } = report
  const rate = Math.round(executions / report.seconds)
  const slow = `slowest ${slowest.ms.toFixed(1)} ms (${slowest.length} octets)`
  const failed = `${failures.length} failures`
  console.log(`${target.name.padEnd(14)} ${executions} executions, ${rate}/s, corpus ${kept}, ${slow}, ${failed}`)
  for (const { rule, message, input } of failures) {
    const file = keepRegression(target.name, input)
    console.log(`  ${rule}: ${file}\n    ${message.replaceAll('\n', '\n    ')}`)
  }
}

function positive(name: 'seconds' | 'jobs' | 'seed'): number {
  const number = Number(values[name])
  return Number.isFinite(number) && number > 0 ? number : fail(`--${name} takes a number above 0`)
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
