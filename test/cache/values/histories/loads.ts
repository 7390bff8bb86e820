import type { LoadControls } from '../../../../src/cache/values/question.ts'
import type { Answer, History, Rules, Source } from './history.ts'
import type { End, Options } from './steps.ts'

interface Waiting {
  readonly source: Source
  readonly controls: LoadControls<unknown>
  resolve(value: unknown): void
  reject(error: Error): void
}

export interface Value {
  readonly id: number
  readonly text: string
}

/** Callers' loads, which end when they are told to. */
export class SteppedLoads {
  readonly waiting: Waiting[] = []
  readonly #history: History

  constructor(history: History) {
    this.#history = history
  }

  /** What a caller gives to `getOrSet`. @param first what it does first */
  load(answer: Answer, controls: LoadControls<unknown>, first: () => void): unknown {
    const { key, node, rules, call } = answer
    const source = this.#history.loading({ key, node, answer, stale: controls.stale, rules })
    first()
    if (call.atOnce === 'returned') return this.#return(source, 'value', rules, false)
    if (call.atOnce === 'thrown') throw this.#fail(source)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.waiting.push({ source, controls, resolve, reject })
    return promise
  }

  /** Ends one of those in progress. */
  end({ which, how, large, options }: Omit<End, 'do'>): void {
    const [ending] = this.waiting.splice(which % this.waiting.length, 1)
    if (ending === undefined) return
    const { source, controls, resolve, reject } = ending
    if (options !== undefined) controls.setOptions(options)
    if (how === 'throw') return reject(this.#fail(source))
    if (how === 'skip') controls.skip()
    const rules = options === undefined ? source.rules : rulesOf(options, source.rules)
    resolve(this.#return(source, how === 'skip' ? 'skipped' : 'value', rules, large))
  }

  newValue(large: boolean): Value {
    return { id: this.#history.next(), text: large ? 'x'.repeat(600) : '' }
  }

  #return(source: Source, outcome: 'value' | 'skipped', rules: Rules, large: boolean): Value {
    const value = this.newValue(large)
    this.#history.ended(source, { outcome, value, rules })
    return value
  }

  #fail(source: Source): Error {
    const value = new Error(`load of ${source.key}`)
    this.#history.ended(source, { outcome: 'failed', value, rules: source.rules })
    return value
  }
}

/** Those of the call or load, else the others. */
export function rulesOf(options: Options, otherwise: Rules): Rules {
  return {
    ttl: options.ttl ?? otherwise.ttl,
    grace: options.grace ?? otherwise.grace,
    softTimeout: options.softTimeout ?? otherwise.softTimeout,
    refreshAhead: options.refreshAhead ?? otherwise.refreshAhead,
    tags: options.tags ?? otherwise.tags,
  }
}

export const UNLIMITED: Rules = {
  ttl: Number.POSITIVE_INFINITY,
  grace: 0,
  softTimeout: undefined,
  refreshAhead: undefined,
  tags: [],
}
