import { showSpread, spread } from '../lib/rounds.ts'
import { CLIENTS, type HerdRound } from './herd.ts'
import { type HerdResults, type Results, ratios } from './results.ts'
import { type Round, type ScenarioName, SCENARIOS } from './scenarios.ts'
import { HERDGATE } from './servers.ts'

/** All scenarios in one table: what Herdgate takes, and its share of what each other takes. @returns Markdown */
export function overviewTable(results: Results, herds: HerdResults): string[] {
  const scenarios = SCENARIOS.filter(({ name }) => results.has(name))
  const cpu = (scenario: ScenarioName, server: string) =>
    (results.get(scenario)?.get(server) ?? []).map(({ microseconds }) => microseconds)
  const row = (server: string) => {
    const shares = scenarios.map(({ name }) =>
      server === HERDGATE
        ? median(cpu(name, server), 1, ' µs')
        : median(ratios(cpu(name, HERDGATE), cpu(name, server)), 2),
    )
    const p99 = (results.get('hit-1k')?.get(server) ?? []).map(({ p99Ms }) => p99Ms)
    const herd = herds.get(server) ?? []
    const asked = median(herd.map(({ originRequests }) => originRequests))
    const last = median(herd.map(({ lastMs }) => lastMs))
    return `| ${[bold(server), ...shares, median(p99, 1), asked, last].join(' | ')} |`
  }
  const servers = [...new Set(scenarios.flatMap(({ name }) => [...(results.get(name)?.keys() ?? [])]))]
  const columns = ['', ...scenarios.map(({ column }) => column), 'p99 of a hit, ms', 'herd: asked', 'herd: last, ms']
  return [
    `| ${columns.join(' | ')} |`,
    `|${' --- |'.repeat(columns.length)}`,
    ...[HERDGATE, ...servers.filter((server) => server !== HERDGATE)].map(row),
  ]
}

const median = (values: readonly number[], digits = 0, unit = ''): string =>
  values.length === 0 || values.some(Number.isNaN) ? '' : `${spread(values).median.toFixed(digits)}${unit}`

/** A table per scenario, the cheapest server first. @returns Markdown */
export function scenarioTables(results: Results): string[] {
  return SCENARIOS.flatMap(({ name, title }) => {
    const rounds = results.get(name)
    return rounds === undefined ? [] : ['', `### ${title}`, '', ...scenarioTable(rounds)]
  })
}

function scenarioTable(servers: ReadonlyMap<string, readonly Round[]>): string[] {
  const cpu = (rounds: readonly Round[]) => rounds.map(({ microseconds }) => microseconds)
  const ours = cpu(servers.get(HERDGATE) ?? [])
  const rows = [...servers].toSorted(([, one], [, other]) => spread(cpu(one)).median - spread(cpu(other)).median)
  return [
    '| server | CPU per request, µs | Herdgate ÷ it | thousand requests/s | p99, ms |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(([name, rounds]) => {
      const ratio = name === HERDGATE || ours.length === 0 ? '' : showSpread(spread(ratios(ours, cpu(rounds))), 2)
      const rate = spread(rounds.map(({ requestsPerSecond }) => requestsPerSecond / 1_000))
      const p99 = spread(rounds.map(({ p99Ms }) => p99Ms))
      return `| ${bold(name)} | ${showSpread(spread(cpu(rounds)))} | ${ratio} | ${showSpread(rate)} | ${showSpread(p99, 2)} |`
    }),
  ]
}

/** @returns Markdown */
export function herdTable(servers: HerdResults): string[] {
  if (servers.size === 0) return []
  const shown = (rounds: readonly HerdRound[], figure: (round: HerdRound) => number) =>
    showSpread(spread(rounds.map(figure)), 0)
  return [
    '',
    `### Cold herd: ${CLIENTS} clients at once for what nobody has, an origin that takes 100 ms`,
    '',
    '| server | requests to the origin | half answered after, ms | last, ms | not answered | CPU in all, ms |',
    '| --- | --- | --- | --- | --- | --- |',
    ...[...servers].map(([name, rounds]) => {
      const failed = rounds.reduce((sum, round) => sum + round.failed, 0)
      const times = [shown(rounds, ({ medianMs }) => medianMs), shown(rounds, ({ lastMs }) => lastMs)]
      const asked = shown(rounds, ({ originRequests }) => originRequests)
      const cpu = shown(rounds, ({ serverCpuMs }) => serverCpuMs)
      return `| ${bold(name)} | ${asked} | ${times.join(' | ')} | ${failed} | ${cpu} |`
    }),
  ]
}

const bold = (name: string): string => (name === HERDGATE ? `**${name}**` : name)
