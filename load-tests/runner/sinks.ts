/** Aggregates the samples of a metric. */
import { ascending, quantile } from '../lib/statistics.ts'

export type MetricType = 'counter' | 'gauge' | 'rate' | 'trend'

export interface Sink {
  add(value: number): void
  /**
   * @param aggregation such as `count` or `p(95)`
   * @param seconds that the run has taken, for rates of counters
   * @returns undefined if it needs a sample and there is none; 0 for a counter
   * @throws if this type of metric has no such aggregation
   */
  read(aggregation: string, seconds: number): number | undefined
  /** Aggregations that a summary shows. */
  readonly shown: readonly string[]
}

export const createSink = (type: MetricType): Sink => SINKS[type]()

const SINKS: Readonly<Record<MetricType, () => Sink>> = { counter, gauge, rate, trend }

function counter(): Sink {
  let sum = 0
  return {
    add: (value) => void (sum += value),
    read: (aggregation, seconds) =>
      pick(aggregation, { count: () => sum, rate: () => (seconds > 0 ? sum / seconds : 0) }),
    shown: ['count', 'rate'],
  }
}

function gauge(): Sink {
  let last: number | undefined
  return {
    add: (value) => void (last = value),
    read: (aggregation) => pick(aggregation, { value: () => last }),
    shown: ['value'],
  }
}

function rate(): Sink {
  let [passes, fails] = [0, 0]
  return {
    add: (value) => void (value === 0 ? fails++ : passes++),
    read: (aggregation) =>
      pick(aggregation, {
        rate: () => (passes + fails === 0 ? undefined : passes / (passes + fails)),
        passes: () => passes,
        fails: () => fails,
      }),
    shown: ['rate', 'passes', 'fails'],
  }
}

function trend(): Sink {
  const sample: number[] = []
  let sorted: number[] | undefined
  const at = (share: number) => {
    sorted ??= ascending(sample)
    return quantile(sorted, share)
  }
  return {
    add(value) {
      sample.push(value)
      sorted = undefined
    },
    read(aggregation) {
      const [, percent] = /^p\((.*)\)$/.exec(aggregation) ?? []
      const found = pick(percent === undefined ? aggregation : 'p', {
        avg: () => sample.reduce((sum, value) => sum + value, 0) / sample.length,
        min: () => at(0),
        med: () => at(0.5),
        max: () => at(1),
        p: () => at(Number(percent) / 100),
      })
      return sample.length === 0 ? undefined : found
    },
    shown: ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99)'],
  }
}

function pick(aggregation: string, known: Readonly<Record<string, () => number | undefined>>): number | undefined {
  const read = Object.hasOwn(known, aggregation) ? known[aggregation] : undefined
  if (read === undefined) throw new Error(`there is ${Object.keys(known).join(', ')}, but no ${aggregation}`)
  return read()
}
