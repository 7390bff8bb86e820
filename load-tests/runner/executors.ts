/** The executors of k6 that scenarios here use: which users run when, and for how long. */
import type { Options, Scenario } from 'k6/options'
import { due, type Stage, totalMs } from './arrivals.ts'
import { createUser, during, type User } from './context.ts'
import { parseDuration } from './durations.ts'
import { record } from './registry.ts'

type Iterate = () => unknown

const TICK_MS = 5
const GRACEFUL_STOP = '30s'
const MAX_DURATION = '10m'

/** Runs all scenarios at once, each from its start time on, until they are over or the run is aborted. */
export async function play(
  scenarios: NonNullable<Options['scenarios']>,
  iterateOf: (exec: string) => Iterate,
  aborted: AbortSignal,
): Promise<void> {
  await Promise.all(
    Object.entries(scenarios).map(async ([name, scenario]) => {
      const stop = new AbortController()
      const signal = AbortSignal.any([stop.signal, aborted])
      const crowd = new Crowd(name, iterateOf(scenario.exec ?? 'default'))
      await pause(parseDuration(scenario.startTime ?? '0s'), signal)
      await run(scenario, crowd, signal)
      await crowd.finish(aborted.aborted ? 0 : parseDuration(scenario.gracefulStop ?? GRACEFUL_STOP))
      stop.abort()
    }),
  )
}

async function run(scenario: Scenario, crowd: Crowd, signal: AbortSignal): Promise<void> {
  switch (scenario.executor) {
    case 'per-vu-iterations': {
      const { vus = 1, iterations = 1, maxDuration = MAX_DURATION } = scenario
      return runClosed(crowd, vus, iterations, parseDuration(maxDuration), signal)
    }
    case 'constant-vus':
      return runClosed(crowd, scenario.vus ?? 1, Number.POSITIVE_INFINITY, parseDuration(scenario.duration), signal)
    case 'constant-arrival-rate': {
      const { rate, timeUnit = '1s', duration } = scenario
      const target = rate / (parseDuration(timeUnit) / 1_000)
      const stages = [{ durationMs: parseDuration(duration), target }]
      return runOpen(crowd, target, stages, limitsOf(scenario), signal)
    }
    case 'ramping-arrival-rate': {
      const perSecond = 1_000 / parseDuration(scenario.timeUnit ?? '1s')
      const stages = scenario.stages.map(({ duration, target }) => {
        return { durationMs: parseDuration(duration), target: target * perSecond }
      })
      return runOpen(crowd, (scenario.startRate ?? 0) * perSecond, stages, limitsOf(scenario), signal)
    }
    default:
      throw new Error(`this runner has no executor ${scenario.executor}; k6 has`)
  }
}

interface Limits {
  readonly min: number
  readonly max: number
}

function limitsOf({ preAllocatedVUs, maxVUs }: { preAllocatedVUs: number; maxVUs?: number }): Limits {
  return { min: preAllocatedVUs, max: Math.max(preAllocatedVUs, maxVUs ?? 0) }
}

/** A closed model: each user begins its next iteration when the last is done. */
async function runClosed(
  crowd: Crowd,
  users: number,
  each: number,
  limitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const endsAt = performance.now() + limitMs
  const mayContinue = () => performance.now() < endsAt && !signal.aborted
  const loops = Array.from({ length: users }, async () => {
    const user = crowd.join()
    for (let turn = 0; turn < each && mayContinue(); turn++) await crowd.iterate(user)
  })
  await Promise.race([Promise.all(loops), pause(limitMs, signal)])
}

/** An open model: iterations begin when they are due, whatever is in progress. Without a free user they are dropped. */
async function runOpen(
  crowd: Crowd,
  startRate: number,
  stages: readonly Stage[],
  { min, max }: Limits,
  signal: AbortSignal,
): Promise<void> {
  const free: User[] = Array.from({ length: min }, () => crowd.join())
  const began = performance.now()
  const lastMs = totalMs(stages)
  for (let started = 0; !signal.aborted; ) {
    const elapsedMs = Math.min(performance.now() - began, lastMs)
    for (const now = due(startRate, stages, elapsedMs); started < now; started++) {
      const user = free.pop() ?? (crowd.size < max ? crowd.join() : undefined)
      if (user === undefined) record('dropped_iterations', 1, { scenario: crowd.scenario })
      else void crowd.iterate(user).finally(() => free.push(user))
    }
    if (elapsedMs >= lastMs) return
    await pause(TICK_MS, signal)
  }
}

/** The users of a scenario and their iterations in progress. */
class Crowd {
  readonly scenario: string
  readonly #iterate: Iterate
  readonly #users: User[] = []
  readonly #busy = new Set<Promise<void>>()
  #started = 0

  constructor(scenario: string, iterate: Iterate) {
    this.scenario = scenario
    this.#iterate = iterate
  }

  get size(): number {
    return this.#users.length
  }

  join(): User {
    const user = createUser()
    this.#users.push(user)
    return user
  }

  /** Never rejects: a failure is printed and counted, and the user goes on. */
  async iterate(user: User): Promise<void> {
    const turn = { user, scenario: this.scenario, iteration: this.#started++ }
    const done = this.#attempt(() => during(turn, this.#iterate))
    this.#busy.add(done)
    await done
    this.#busy.delete(done)
  }

  async #attempt(iterate: Iterate): Promise<void> {
    const tags = { scenario: this.scenario }
    const began = performance.now()
    try {
      await iterate()
    } catch (error) {
      console.error(`${this.scenario}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
      record('iterations_failed', 1, tags)
    }
    record('iterations', 1, tags)
    record('iteration_duration', performance.now() - began, tags)
  }

  /** Waits up to `graceMs` for iterations in progress, then closes the connections of the rest, which is a failure. */
  async finish(graceMs: number): Promise<void> {
    const graceOver = new AbortController()
    await Promise.race([Promise.all(this.#busy), pause(graceMs, graceOver.signal)])
    graceOver.abort()
    if (graceMs > 0 && this.#busy.size > 0) {
      console.error(`${this.scenario}: ${this.#busy.size} iterations took longer than gracefulStop`)
      record('iterations_failed', this.#busy.size, { scenario: this.scenario })
    }
    await Promise.all(this.#users.map(({ connections }) => connections.destroy()))
    await Promise.all(this.#busy)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    resolve()
  }
  const timer = setTimeout(end, ms)
  signal.addEventListener('abort', end)
  return promise
}
