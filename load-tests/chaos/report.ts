/** Results as Markdown. */

import type { PatternResult, Results } from './results.ts'
import { ascending, mannWhitney, quantile, wilson } from '../lib/statistics.ts'

export const TABLE_HEAD = [
  '| pattern | requests | wrong | explained | hits, 95 % interval | p50 ms | p90 | p99 | p99.9 | origin requests, failed | store errors | memory MiB |',
  '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
]

export function row(result: PatternResult): string {
  const { pattern, requests, wrong, explained, originRequests, failedFetches, storeErrors, residentBytes } = result
  const sorted = ascending(result.ms)
  const quantiles = [0.5, 0.9, 0.99, 0.999].map((share) => quantile(sorted, share).toFixed(1))
  const origin = `${originRequests}, ${failedFetches}`
  const memory = (residentBytes / 2 ** 20).toFixed(0)
  return cells([pattern, requests, wrong, explained, hits(result), ...quantiles, origin, storeErrors, memory])
}

function hits({ hits, ms }: PatternResult): string {
  const { low, high } = wilson(hits, ms.length)
  return `${percent(hits / ms.length)} (${percent(low)} to ${percent(high)})`
}

/** What has changed between two runs, pattern by pattern; patterns that only one of them has are left out. */
export function comparison(before: Results, now: Results): string[] {
  return [
    ...differentSettings(before, now),
    '| pattern | median ms before | now | shift | p (Mann-Whitney) | hits before | now |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...now.patterns.flatMap((result) => {
      const past = before.patterns.find(({ pattern }) => pattern === result.pattern)
      return past === undefined ? [] : [compared(past, result)]
    }),
  ]
}

function differentSettings(before: Results, now: Results): string[] {
  const settingsText = ({ settings: { nodes, requests, seed, redis } }: Results) =>
    `${nodes} nodes, ${requests} requests, seed ${seed}, ${redis ? 'with' : 'without'} Redis`
  return settingsText(before) === settingsText(now)
    ? []
    : [`The saved run was another one: ${settingsText(before)}.`, '']
}

function compared(past: PatternResult, now: PatternResult): string {
  const [medianPast = Number.NaN, median = Number.NaN] = [past.ms, now.ms].map((ms) => quantile(ascending(ms), 0.5))
  const shift = median - medianPast
  const { p } = mannWhitney(now.ms, past.ms)
  const shown = `${shift < 0 ? '' : '+'}${shift.toFixed(2)} (${percent(shift / medianPast)})`
  const probability = p < 0.001 ? '< 0.001' : p.toFixed(3)
  return cells([now.pattern, medianPast.toFixed(2), median.toFixed(2), shown, probability, hits(past), hits(now)])
}

const cells = (values: readonly (string | number)[]): string => `| ${values.join(' | ')} |`

const percent = (share: number): string => (Number.isNaN(share) ? 'none' : `${(share * 100).toFixed(1)} %`)
