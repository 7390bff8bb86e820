/** Fuzzes one target in a thread of its own. Watched code is imported only after coverage has started. */
import { parentPort, workerData } from 'node:worker_threads'
import { Coverage } from './coverage.ts'
import type { Target } from './target.ts'

export interface Task {
  readonly target: string
  readonly seconds: number
  readonly seed: number
  /** Each input, written before it runs. `counters` has the number of runs and the input's length. */
  readonly progress: SharedArrayBuffer
  readonly counters: SharedArrayBuffer
}

export interface Report {
  readonly executions: number
  readonly seconds: number
  readonly kept: number
  readonly slowest: { readonly ms: number; readonly length: number }
  readonly failures: readonly { readonly rule: string; readonly message: string; readonly input: string }[]
  /** The inputs worth keeping. */
  readonly essential: readonly string[]
}

/** Maximum number of corpus files for one target. */
const MAX_ESSENTIAL = 32

const task = workerData as Task
/** The project's code, and a parser that it relies on. */
const WATCHED = ['src/', 'routes/', 'node_modules/structured-headers/'].map((path) => {
  return new URL(`../../${path}`, import.meta.url).href
})
const coverage = new Coverage((url) => WATCHED.some((prefix) => url.startsWith(prefix)))
const { Fuzzer } = await import('./fuzzer.ts')
const module = (await import(`./targets/${task.target}.ts`)) as Readonly<Record<string, Target>>
const { readCorpus } = await import('./corpus.ts')
const { Random } = await import('./random.ts')

const target = module[task.target]
if (target === undefined) throw new RangeError(`no target ${task.target}`)
const octets = Buffer.from(task.progress)
const counters = new Int32Array(task.counters)

const start = performance.now()
const elapsed = () => (performance.now() - start) / 1000
const fuzzer = new Fuzzer({
  target,
  random: new Random(task.seed),
  inputs: readCorpus(target.name).map(({ input }) => input),
  coverage,
  announce(input) {
    counters[1] = octets.write(input, 'latin1')
    Atomics.add(counters, 0, 1)
  },
})
while (elapsed() < task.seconds) fuzzer.step()

const { executions, slowest, failures, kept } = fuzzer
const seconds = elapsed()
Atomics.store(counters, 0, -1) // no input is running any more
const report: Report = {
  executions,
  seconds,
  kept: kept.length,
  slowest,
  failures,
  essential: fuzzer.essential(MAX_ESSENTIAL),
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is a port, not a window
parentPort?.postMessage(report)
coverage.close()
