/** Evaluates and prints the results of the suite. */
import { EXCEPTIONS, type Mode } from './exceptions.ts'
import type { Kind, TestResult } from './suite.ts'

export const KINDS: readonly Kind[] = ['required', 'optimal', 'check']

/**
 * Required and optimal tests that did not pass without being exceptions, and exceptions that pass or no longer exist.
 * The result of a check is never a fault.
 */
export function faults(results: readonly TestResult[], mode: Mode): string[] {
  const excepted = new Set(EXCEPTIONS[mode].flatMap(({ ids }) => ids))
  const byId = new Map(results.map((result) => [result.id, result]))
  const failed = results.filter(
    ({ id, kind, verdict }) => kind !== 'check' && verdict !== 'passed' && !excepted.has(id),
  )
  const idle = [...excepted].filter((id) => (byId.get(id)?.verdict ?? 'passed') === 'passed')
  return [
    ...failed.map(({ id, verdict, reason }) => `${id}: ${verdict}: ${reason}`),
    ...idle.map(
      (id) => `${id}: ${byId.has(id) ? 'passes, yet is listed as an exception' : 'is not part of the suite'}`,
    ),
  ]
}

/** The results as lines of text: a table by kind, then every test that did not pass. */
export function report(results: readonly TestResult[]): string[] {
  return [...tally(results), ...KINDS.flatMap((kind) => shortfalls(results, kind))]
}

/** A table by kind, in Markdown. */
export function tally(results: readonly TestResult[]): string[] {
  const rows = KINDS.map((kind) => {
    const of = results.filter((result) => result.kind === kind)
    const count = (verdict: TestResult['verdict']): number => of.filter((result) => result.verdict === verdict).length
    const passed = count('passed')
    const share = ((100 * passed) / of.length).toFixed(1)
    const cells = [kind, `${passed}/${of.length}`, `${share} %`, count('failed'), count('setup'), count('dependency')]
    return `| ${cells.join(' | ')} |`
  })
  return ['| kind | passed | share | failed | setup | dependency |', '| --- | --- | --- | --- | --- | --- |', ...rows]
}

function shortfalls(results: readonly TestResult[], kind: Kind): string[] {
  const short = results.filter((result) => result.kind === kind && result.verdict !== 'passed')
  if (short.length === 0) return []
  const title = kind === 'check' ? 'check: answered no' : `${kind}: fell short`
  return ['', title, ...short.map(({ id, suite, verdict, reason }) => `  ${verdict}  ${suite}/${id}  ${reason}`)]
}
