/**
 * Runs a target on mutated inputs. An input is kept for further mutation if it runs code that no earlier one ran, or
 * has an outcome that no earlier one had.
 */
import type { Coverage } from './coverage.ts'
import { mutate } from './mutate.ts'
import type { Random } from './random.ts'
import type { Target } from './target.ts'

export interface FuzzerOptions {
  readonly target: Target
  readonly random: Random
  readonly inputs: readonly string[]
  /** Without it, only outcomes decide which inputs are kept. */
  readonly coverage?: Coverage
  readonly maxLength?: number
  /** Called with every input before it runs, as it may hang or crash. */
  readonly announce?: (input: string) => void
}

export interface Failure {
  readonly rule: string
  readonly message: string
  /** Minimised. */
  readonly input: string
}

/** Longest processor time for any input, at the usual speed of a processor. */
const LONGEST_MS = 100
/** Processor time of `fixedWork` at that speed. */
const USUAL_MS = 10
/** Number of times a slow input is run: the fastest counts, without compilation and garbage collection. */
const SLOW_TIMES = 12
/** An input that takes no longer than this by the clock is not timed more closely. */
const QUICK_MS = 5
const BATCH = 256
/** Longer inputs are neither mutated further nor written to the corpus. */
const MAX_KEPT_LENGTH = 1024
const MAX_KEPT = 4000
const MAX_OUTCOMES = 1000
const MINIMISING_RUNS = 3000

export class Fuzzer {
  readonly #options: FuzzerOptions
  readonly #kept: string[] = []
  readonly #outcomes = new Set<string>()
  readonly #failures = new Map<string, Failure>()
  executions = 0
  slowest = { ms: 0, length: 0 }

  constructor(options: FuzzerOptions) {
    this.#options = options
    options.coverage?.take(false) // discards what ran during loading
    this.#batch([...options.target.seeds, ...options.inputs])
    if (this.#kept.length === 0) this.#kept.push('')
  }

  get failures(): readonly Failure[] {
    return [...this.#failures.values()]
  }

  get kept(): readonly string[] {
    return this.#kept
  }

  /** Runs `count` mutated inputs. */
  step(count: number = BATCH): void {
    const { target, random, maxLength = target.maxLength } = this.#options
    const other = () => random.pick(this.#kept) ?? ''
    const material = { dictionary: target.dictionary, maxLength, other }
    this.#batch(Array.from({ length: count }, () => mutate(other(), random, material)))
  }

  /** The shortest kept inputs that together cover all the code and outcomes of all kept ones. */
  essential(most: number): string[] {
    const { coverage, target } = this.#options
    coverage?.forget()
    const outcomes = new Set<string>()
    const essential: string[] = []
    for (const input of this.#kept.toSorted((one, other) => one.length - other.length)) {
      const outcome = outcomeOf(target, input)
      if (outcome === undefined) continue
      const isNew = coverage?.take(true) === true
      if (isNew || (!outcomes.has(outcome) && outcomes.size < most / 2)) essential.push(input)
      outcomes.add(outcome)
    }
    return essential.slice(0, most)
  }

  #batch(inputs: readonly string[]): void {
    for (const input of inputs) this.#execute(input)
    const { coverage, target } = this.#options
    if (coverage?.take(false) !== true) return
    this.#findNew(inputs)
    // V8 omits some optimised functions that run to completion on every call, so possibly no input was found.
    for (const input of inputs) outcomeOf(target, input)
    coverage.take(true)
  }

  #execute(input: string): void {
    const { target, announce } = this.#options
    announce?.(input)
    this.executions++
    const start = performance.now()
    let outcome: string | undefined
    try {
      outcome = target.run(input)
    } catch (error) {
      this.#fail(input, error)
    }
    const ms = performance.now() - start
    if (ms > this.slowest.ms) this.#timed(input, ms)
    if (outcome === undefined || this.#outcomes.has(outcome) || this.#outcomes.size >= MAX_OUTCOMES) return
    if (input.length <= MAX_KEPT_LENGTH) {
      this.#outcomes.add(outcome)
      this.#keep(input)
    }
  }

  /** Taking coverage costs far more than a run, so a batch is halved until the inputs with new coverage are found. */
  #findNew(inputs: readonly string[]): void {
    const { coverage, target } = this.#options
    for (const input of inputs) outcomeOf(target, input)
    const alone = inputs.length === 1
    if (coverage?.take(alone) !== true) return
    const [input = ''] = inputs
    if (alone) {
      if (input.length <= MAX_KEPT_LENGTH) this.#keep(input)
      return
    }
    const middle = Math.ceil(inputs.length / 2)
    this.#findNew(inputs.slice(0, middle))
    this.#findNew(inputs.slice(middle))
  }

  #keep(input: string): void {
    if (this.#kept.length < MAX_KEPT) this.#kept.push(input)
    else this.#kept[this.#options.random.below(MAX_KEPT)] = input
  }

  #timed(input: string, byClock: number): void {
    const ms = byClock <= QUICK_MS ? byClock : shortestTime(this.#options.target, input)
    if (ms > this.slowest.ms) this.slowest = { ms, length: input.length }
    if (ms > LONGEST_MS && ms > longestHere())
      this.#record('slow', `${Math.round(ms)} ms for ${input.length} octets`, input)
  }

  #fail(input: string, error: unknown): void {
    const rule = ruleOf(error)
    if (this.#failures.has(rule)) return
    const small = minimised(this.#options.target, input, rule)
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#record(rule, messageOf(this.#options.target, small) ?? message, small)
  }

  #record(rule: string, message: string, input: string): void {
    if (!this.#failures.has(rule)) this.#failures.set(rule, { rule, message, input })
  }
}

/** Shortest processor time for an input, in ms. */
export function shortestTime(target: Target, input: string): number {
  return fastest(() => outcomeOf(target, input))
}

/** Longest processor time for any input, in ms, at the processor's speed at the moment. */
export function longestHere(): number {
  return LONGEST_MS * Math.max(1, fastest(fixedWork) / USUAL_MS)
}

/** The fastest of several runs, so that other load on the machine does not count. */
function fastest(run: () => unknown): number {
  let shortest = Number.POSITIVE_INFINITY
  for (let time = 0; time < SLOW_TIMES && shortest > QUICK_MS; time++) {
    const before = process.threadCpuUsage()
    run()
    const { user, system } = process.threadCpuUsage(before)
    shortest = Math.min(shortest, (user + system) / 1000)
  }
  return shortest
}

/** Splits strings, as parsers do. */
function fixedWork(): number {
  let length = 0
  for (let number = 0; number < 20_000; number++) {
    const parts = `${number}, max-age=${number * 7}; x="${number % 13}"`.split(/[,;] */)
    length += parts.map((part) => part.trim().toLowerCase()).join('').length
  }
  return length
}

function outcomeOf(target: Target, input: string): string | undefined {
  try {
    return target.run(input)
  } catch {
    return undefined
  }
}

/** Removes smaller and smaller pieces, as long as the same rule stays broken. */
function minimised(target: Target, input: string, rule: string): string {
  let small = input
  let runs = 0
  for (let size = Math.ceil(small.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < small.length && runs++ < MINIMISING_RUNS; ) {
      const shorter = small.slice(0, at) + small.slice(at + size)
      if (brokenRule(target, shorter) === rule) small = shorter
      else at += size
    }
  }
  return small
}

function brokenRule(target: Target, input: string): string | undefined {
  try {
    target.run(input)
    return undefined
  } catch (error) {
    return ruleOf(error)
  }
}

function messageOf(target: Target, input: string): string | undefined {
  try {
    target.run(input)
    return undefined
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

/** What failed: the rule of a violation, or the name of an error. */
const ruleOf = (error: unknown): string => (error instanceof Error ? error.name : 'thrown')
