/** A summary as Markdown for people, and as JUnit for CI. */

/** The part of k6's summary that is used. */
export interface Summary {
  readonly metrics: Readonly<Record<string, Metric>>
  readonly root_group: { readonly checks: readonly Check[] }
  readonly state: { readonly testRunDurationMs: number }
  /** From our own runner only: k6 does not report them. */
  readonly failures?: readonly Failure[]
}

/** Requests that failed in the same way. */
interface Failure {
  readonly what: string
  readonly times: number
  /** Seconds since the run began. */
  readonly firstAt: number
  readonly lastAt: number
}

interface Metric {
  readonly values: Readonly<Record<string, number>>
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>
}

interface Check {
  readonly name: string
  readonly passes: number
  readonly fails: number
}

/** One thing that had to hold. */
interface Verdict {
  readonly name: string
  readonly ok: boolean
  /** What was measured. */
  readonly seen: string
}

export function asMarkdown(scenario: string, claim: string, summary: Summary): string {
  const { http_reqs, http_req_duration, dropped_iterations } = summary.metrics
  const seconds = summary.state.testRunDurationMs / 1_000
  const dropped = dropped_iterations?.values['count'] ?? 0
  const lines = [
    `## ${scenario}`,
    '',
    claim,
    '',
    '| must hold | | measured |',
    '| --- | --- | --- |',
    ...verdicts(summary).map(({ name, ok, seen }) => `| ${name} | ${ok ? 'yes' : '**no**'} | ${seen} |`),
    '',
    `${http_reqs?.values['count'] ?? 0} requests in ${shown(seconds)} s, ${dropped} iterations dropped; ` +
      `milliseconds: ${measured(http_req_duration)}.`,
    '',
    ...failed(summary.failures ?? []),
  ]
  return `${lines.join('\n')}\n`
}

function failed(failures: readonly Failure[]): string[] {
  if (failures.length === 0) return []
  const lines = failures.map(({ what, times, firstAt, lastAt }) => {
    return `| ${what.replaceAll('|', '\\|')} | ${times} | ${firstAt.toFixed(1)} to ${lastAt.toFixed(1)} |`
  })
  return ['| requests that failed | times | seconds into the run |', '| --- | --- | --- |', ...lines, '']
}

export function asJUnit(scenario: string, summary: Summary): string {
  const all = verdicts(summary)
  const cases = all.map(({ name, ok, seen }) => {
    const failure = ok ? '' : `<failure message="${escape(seen)}"/>`
    return `  <testcase classname="load.${escape(scenario)}" name="${escape(name)}">${failure}</testcase>`
  })
  const failures = all.filter(({ ok }) => !ok).length
  const seconds = shown(summary.state.testRunDurationMs / 1_000)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="load.${escape(scenario)}" tests="${all.length}" failures="${failures}" time="${seconds}">`,
    ...cases,
    '</testsuite>',
    '',
  ].join('\n')
}

function verdicts({ metrics, root_group }: Summary): Verdict[] {
  const thresholds = Object.entries(metrics).flatMap(([name, metric]) =>
    Object.entries(metric.thresholds ?? {}).map(([expression, { ok }]) => {
      return { name: `${name}: ${expression}`, ok, seen: measured(metric) }
    }),
  )
  const checks = root_group.checks.map(({ name, passes, fails }) => {
    return { name, ok: fails === 0, seen: `${passes} of ${passes + fails}` }
  })
  return [...thresholds, ...checks]
}

const measured = (metric: Metric | undefined): string =>
  Object.entries(metric?.values ?? {})
    .map(([name, value]) => `${name}=${shown(value)}`)
    .join(' ')

const shown = (value: number): string => String(Math.round(value * 1_000) / 1_000)

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

const escape = (text: string): string => text.replaceAll(/[&<>"]/g, (special) => ENTITIES[special] ?? special)
