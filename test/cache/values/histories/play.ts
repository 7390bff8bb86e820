import type { LoadControls } from '../../../../src/cache/values/question.ts'
import type { Statistics } from '../../../../src/cache/statistics.ts'
import type { Values } from '../../../../src/cache/values/values.ts'
import { type Cache, createCache } from '../../../../src/library/embed.ts'
import type { Store } from '../../../../src/model.ts'
import { localLog } from '../../../../src/stores/memory/log.ts'
import { memoryStore } from '../../../../src/stores/memory/store.ts'
import { createTiered } from '../../../../src/stores/tiered.ts'
import { FakeClock, settle } from '../../../support/fake-clock.ts'
import { FarStore } from '../../../support/far-store.ts'
import { sharedLeases } from '../../../support/shared-leases.ts'
import { type Answer, History, type Removal } from './history.ts'
import { rulesOf, SteppedLoads, UNLIMITED } from './loads.ts'
import { failureSharedUntil, MAX_FAILURE_SHARED_MS } from './oracle.ts'
import { type Call, hasFar, NAMESPACE, type Put, type Remove, type Setting, type Step, type Taken } from './steps.ts'

export interface Played {
  readonly history: History
  /** Of each cache. */
  readonly statistics: readonly Statistics[]
  /** What is left when every call has been answered. */
  readonly left: {
    readonly inFlight: number
    readonly waiting: number
    readonly timers: number
    readonly leases: number
    readonly bytes: number
    readonly unhandledRejections: number
  }
}

/** Takes the steps, then lets all loads end that are left. */
export async function play(setting: Setting, steps: readonly Taken[]): Promise<Played> {
  let unhandledRejections = 0
  const count = () => unhandledRejections++
  process.on('unhandledRejection', count)
  try {
    const game = new Game(setting)
    for (const step of steps) await game.take(step)
    const played = await game.finish()
    return { ...played, left: { ...played.left, unhandledRejections } }
  } finally {
    process.off('unhandledRejection', count)
  }
}

function storesOf(nodes: Setting['nodes'], far: FarStore, clock: FakeClock): readonly Store[] {
  const near = () => memoryStore({ maxBytes: 2_000, seed: 1 })
  const both = () => createTiered([near(), far], clock)
  switch (nodes) {
    case 'one':
      return [memoryStore({ maxBytes: '64MiB' })]
    case 'one with little room':
      return [near()]
    case 'one with a far store':
      return [both()]
    default:
      return [both(), both()]
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0)

class Game {
  readonly #clock = new FakeClock()
  readonly #history = new History(this.#clock)
  readonly #loads = new SteppedLoads(this.#history)
  readonly #far = new FarStore()
  readonly #leases = sharedLeases()
  readonly #pressure = { high: false }
  readonly #setting: Setting
  readonly #stores: readonly Store[]
  readonly #caches: readonly Cache[]
  readonly #pending = new Set<Answer>()
  readonly #all: Promise<void>[] = []
  /** What lets the far store go on. */
  #release: (() => void)[] = []

  constructor(setting: Setting) {
    const { nodes, defaults, maxWaiting } = setting
    const [clock, log, pressure] = [this.#clock, localLog({ generation: 'g' }), this.#pressure]
    const sharing = nodes === 'two in turn' ? { leases: this.#leases, maxObjectBytes: 10_000 } : undefined
    this.#setting = setting
    this.#stores = storesOf(nodes, this.#far, clock)
    this.#caches = this.#stores.map((store) =>
      createCache({ store, log, clock, defaults, pressure, sharing, limits: { maxWaiting } }),
    )
  }

  async take({ step, pause }: Taken): Promise<void> {
    this.#do(step)
    if (step.do === 'pass') {
      await this.#settle() // so that nothing that has happened happens later
      await this.#clock.advance(step.ms)
    }
    if (pause === 'a turn') await undefined
    if (pause === 'settled' || pause === 'later') await this.#settle()
    if (pause === 'later') await this.#clock.advance(1)
  }

  async finish(): Promise<Omit<Played, 'left'> & { readonly left: Omit<Played['left'], 'unhandledRejections'> }> {
    this.#do({ do: 'far', how: 'work' })
    this.#pressure.high = false
    await this.#settle()
    for (let round = 0; round < 100 && this.#loads.waiting.length > 0; round++) {
      this.#loads.end({ which: 0, how: 'value', large: false, options: undefined })
      await this.#settle()
    }
    const timers = this.#clock.pending - this.#failuresShared
    await this.#clock.advance(MAX_FAILURE_SHARED_MS)
    const statistics = this.#caches.map((cache) => cache.stats())
    if (this.#pending.size === 0) await Promise.all(this.#all)
    for (const cache of this.#caches) await cache.clear()
    const left = {
      inFlight: sum(statistics.map(({ inFlight }) => inFlight)),
      waiting: sum(statistics.map(({ waiting }) => waiting)),
      timers: Math.max(timers, this.#clock.pending),
      leases: this.#leases.held,
      bytes: sum(this.#stores.flatMap((store) => store.usage().map(({ bytes }) => bytes))),
    }
    return { history: this.#history, statistics, left }
  }

  /** How many failures may still be shared, or skips keep a refresh from being repeated at once. */
  get #failuresShared(): number {
    const ended = this.#history.sources.filter(({ outcome }) => outcome === 'failed' || outcome === 'skipped')
    return ended.filter((load) => failureSharedUntil(load) >= this.#clock.now()).length
  }

  #do(step: Step): void {
    switch (step.do) {
      case 'set':
      case 'setMany':
        return this.#begin(this.#put(step))
      case 'purge':
      case 'invalidate':
        return this.#begin(this.#remove(step))
      case 'end':
        return this.#loads.end(step)
      case 'pass':
        return
      case 'far':
        return this.#changeFar(step.how)
      case 'memory':
        this.#pressure.high = step.isShort
        if (step.isShort) for (const answer of this.#pending) answer.isMemoryShort = true
        return
      default:
        return this.#begin(this.#call(step))
    }
  }

  #begin(action: Promise<void>): void {
    this.#all.push(action)
  }

  /** By now it is certain what has become of the loads that have ended, unless that waits for the far store. */
  async #settle(): Promise<void> {
    await settle()
    this.#history.settled()
    if (this.#release.length > 0) return
    for (const source of this.#history.sources) {
      const isPast = source.by === 'load' && source.outcome !== 'none yet' && source.acknowledged > source.ended
      if (isPast && source.acknowledged === Number.POSITIVE_INFINITY) source.acknowledged = this.#history.next()
    }
  }

  #changeFar(how: 'hold reads' | 'hold writes' | 'fail' | 'work'): void {
    if (!hasFar(this.#setting)) return
    if (how === 'work') {
      for (const release of this.#release) release()
      this.#release = []
      this.#far.failing = false
    } else if (how === 'fail') {
      this.#far.failing = true
      this.#history.hasFailedReads = true
    } else if (this.#release.length === 0) {
      this.#release = [how === 'hold reads' ? this.#far.hold() : this.#far.holdWrites()]
      for (const answer of this.#pending) answer.isFarHeld = true
    }
  }

  async #call(call: Call): Promise<void> {
    const { cache, node, keys } = this.#door(call)
    const answers = call.keys.slice(0, keys.length).map((key) => this.#asked(call, node, key))
    try {
      const values = await this.#valuesOf(cache, call, keys, answers)
      this.#answered(answers, 'value', values)
    } catch (thrown) {
      this.#answered(answers, 'thrown', [thrown])
    }
  }

  #asked(call: Call, node: number, key: string): Answer {
    const rules = rulesOf(call.options, this.#defaults)
    const isFarHeld = this.#release.length > 0
    const waiting = [...this.#pending].filter((other) => other.node === node && other.call.do === 'getOrSet')
    const isMemoryShort = this.#pressure.high
    const others = waiting.length
    const answer = this.#history.asked({ call, node, key, rules, isFarHeld, others, isMemoryShort })
    for (const other of waiting) other.others = Math.max(other.others, waiting.length)
    this.#pending.add(answer)
    return answer
  }

  #answered(answers: readonly Answer[], outcome: 'value' | 'thrown', values: readonly unknown[]): void {
    for (const [at, answer] of answers.entries()) {
      this.#history.answered(answer, outcome, values[at])
      this.#pending.delete(answer)
    }
  }

  /** One for each key. */
  async #valuesOf(
    cache: Values,
    call: Call,
    keys: readonly [string, ...string[]],
    answers: readonly Answer[],
  ): Promise<readonly unknown[]> {
    const [key] = keys
    switch (call.do) {
      case 'get':
        return [await cache.get(key)]
      case 'has':
        return [await cache.has(key)]
      case 'delete':
      case 'deleteMany':
        return this.#delete(cache, call, keys, answers)
      case 'getMany':
        return cache.getMany(keys)
      case 'getOrSet': {
        const { options, forceFresh } = call
        const load = (controls: LoadControls<unknown>) => this.#load(call, controls, answers)
        return [await cache.getOrSet<unknown>(key, load, { ...options, forceFresh })]
      }
    }
  }

  #load(call: Call, controls: LoadControls<unknown>, [answer]: readonly Answer[]): unknown {
    if (answer === undefined) throw new Error('a load without a key')
    return this.#loads.load(answer, controls, () => {
      if (call.inside !== undefined) this.#do(call.inside)
    })
  }

  /** Of how many there was one is known for each only if it is none or all. */
  async #delete(
    cache: Values,
    call: Call,
    keys: readonly [string, ...string[]],
    answers: readonly Answer[],
  ): Promise<readonly unknown[]> {
    const removals = answers.map(({ key }) => this.#history.remove('purge', (source) => source.key === key))
    const found = call.do === 'delete' ? Number(await cache.delete(keys[0])) : await cache.deleteMany(keys)
    for (const removal of removals) removal.acknowledged = this.#history.next()
    return keys.map(() => (found === 0 || found === keys.length ? found > 0 : undefined))
  }

  async #put(put: Put): Promise<void> {
    const { cache, node, keys } = this.#door(put)
    const rules = rulesOf(put.options, this.#defaults)
    const sources = keys.map((_, at) => {
      const value = this.#loads.newValue(put.large)
      return this.#history.setting({ key: put.keys[at] ?? '', node, value, rules })
    })
    const values = sources.map(({ value }) => value)
    await (put.do === 'set'
      ? cache.set(keys[0], values[0], put.options)
      : cache.setMany(keys.map((key, at) => ({ ...put.options, key, value: values[at] }))))
    for (const source of sources) source.acknowledged = this.#history.next()
  }

  async #remove(remove: Remove): Promise<void> {
    const cache = this.#cacheOf(remove.node)
    const { by, key, tag } = remove
    const kind = by === 'clear' || by === 'namespace' ? 'purge' : remove.do
    const removal = this.#history.remove(kind, namesOf(remove))
    if (by === 'clear') await cache.clear()
    else if (by === 'namespace') await cache.namespace(NAMESPACE).clear()
    else await cache[kind]({ key: { keys: [key] }, tag: { tags: [tag] }, all: { all: true } }[by])
    removal.acknowledged = this.#history.next()
  }

  get #defaults() {
    return rulesOf(this.#setting.defaults, UNLIMITED)
  }

  #cacheOf(node: number): Cache {
    const cache = this.#caches[node % this.#caches.length]
    if (cache === undefined) throw new Error('no cache')
    return cache
  }

  /** The calls with one key get the first. */
  #door({ do: name, node, keys, inNamespace }: Call | Put) {
    const prefix = `${NAMESPACE}/`
    const [first, ...rest] = keys
    const given: readonly [string, ...string[]] = name.endsWith('Many') ? [first, ...rest] : [first]
    const isWithin = inNamespace && given.every((key) => key.startsWith(prefix))
    const within = (key: string) => key.slice(isWithin ? prefix.length : 0)
    const cache = this.#cacheOf(node)
    const [head, ...others] = given
    return {
      cache: isWithin ? cache.namespace(NAMESPACE) : cache,
      node: node % this.#caches.length,
      keys: [within(head), ...others.map(within)] as const,
    }
  }
}

function namesOf({ by, key, tag }: Remove): Removal['names'] {
  switch (by) {
    case 'key':
      return (source) => source.key === key
    case 'tag':
      return ({ rules }) => rules.tags.includes(tag)
    case 'namespace':
      return (source) => source.key === NAMESPACE || source.key.startsWith(`${NAMESPACE}/`)
    default:
      return () => true
  }
}
