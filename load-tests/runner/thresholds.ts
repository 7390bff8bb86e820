/** Thresholds as k6 writes them: `rate<0.01`, `p(99)<=250`, `count==1`. */

const COMPARISONS = {
  '<': (seen: number, bound: number) => seen < bound,
  '<=': (seen: number, bound: number) => seen <= bound,
  '>': (seen: number, bound: number) => seen > bound,
  '>=': (seen: number, bound: number) => seen >= bound,
  '==': (seen: number, bound: number) => seen === bound,
  '!=': (seen: number, bound: number) => seen !== bound,
} as const

type Comparison = keyof typeof COMPARISONS

const EXPRESSION =
  /^\s*(count|rate|value|avg|min|med|max|p\((\d+(?:\.\d+)?)\))\s*(<=|>=|==|!=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$/
const METRIC = /^(\w+)(?:\{(.*)\})?$/

export interface Threshold {
  /** As it was written. */
  readonly source: string
  /** Such as `rate`, or `p(95)`. */
  readonly aggregation: string
  /** @param seen undefined while there is no sample, with which no threshold holds */
  readonly holds: (seen: number | undefined) => boolean
}

/** @throws if it is not a threshold */
export function parseThreshold(source: string): Threshold {
  const [, aggregation = '', , comparison, bound] = EXPRESSION.exec(source) ?? []
  if (!isComparison(comparison)) throw new Error(`"${source}" is no threshold; expected one such as "rate<0.01"`)
  const compare = COMPARISONS[comparison]
  return { source, aggregation, holds: (seen) => seen !== undefined && compare(seen, Number(bound)) }
}

const isComparison = (text: string | undefined): text is Comparison =>
  text !== undefined && Object.hasOwn(COMPARISONS, text)

export interface MetricSelector {
  readonly metric: string
  /** Tags a sample must have to count. */
  readonly tags: Readonly<Record<string, string>>
}

/** What a threshold applies to, such as `checks` or `http_req_failed{scenario:readers}`. @throws if it is malformed */
export function parseSelector(text: string): MetricSelector {
  const [, metric, tags = ''] = METRIC.exec(text) ?? []
  if (metric === undefined) throw new Error(`"${text}" names no metric`)
  const pairs = tags.split(',').filter((pair) => pair.trim() !== '')
  return { metric, tags: Object.fromEntries(pairs.map((pair) => parseTag(pair, text))) }
}

function parseTag(pair: string, text: string): [name: string, value: string] {
  const colon = pair.indexOf(':')
  if (colon < 1) throw new Error(`"${text}": expected tags such as {scenario:readers}`)
  return [pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()]
}
