/** `k6/metrics`. */
import { currentTags } from '../context.ts'
import { declare, record, type Tags } from '../registry.ts'
import type { MetricType } from '../sinks.ts'

function metricOf(type: MetricType) {
  return class {
    readonly name: string

    constructor(name: string) {
      this.name = name
      declare(name, type)
    }

    add(value: number | boolean, tags: Tags = {}): void {
      record(this.name, Number(value), { ...currentTags(), ...tags })
    }
  }
}

export const Counter = metricOf('counter')
export const Gauge = metricOf('gauge')
export const Rate = metricOf('rate')
export const Trend = metricOf('trend')
