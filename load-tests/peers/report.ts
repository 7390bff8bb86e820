import { showSpread, spread } from '../lib/rounds.ts'
import { CLIENTS, type HerdRound } from './herd.ts'
import { type Contests, cpu, type HerdResults, type Results, ratios, roundsOf } from './results.ts'
import { type Round, SCENARIOS } from './scenarios.ts'
import { HERDGATE, OWN_HIT } from './servers.ts'

/** All scenarios in one Markdown table: Herdgate's own figures, and the ratio of Herdgate to each other server. */
export function overviewTable(results: Results, herds: HerdResults): string[] {
  const scenarios = SCENARIOS.flatMap(({ name, column }) => {
    const contests = results.get(name)
    return contests === undefined ? [] : [{ name, column, contests, rounds: roundsOf(contests) }]
  })
  const hits = scenarios.find(({ name }) => name === 'hit-1k')
  const row = (server: string) => {
    const shares = scenarios.map(({ contests, rounds }) => {
      if (server === HERDGATE) return median((rounds.get(server) ?? []).map(cpu), 1, ' µs')
      return median(ratios(contests.get(server) ?? [], cpu), 2)
    })
    const p99 = (hits?.rounds.get(server) ?? []).map(({ p99Ms }) => p99Ms)
    const herd = herds.get(server) ?? []
    const asked = median(herd.map(({ originRequests }) => originRequests))
    const last = median(herd.map(({ lastMs }) => lastMs))
    return `| ${[bold(server), ...shares, median(p99, 1), asked, last].join(' | ')} |`
  }
  const servers = new Set(scenarios.flatMap(({ rounds }) => [...rounds.keys()]))
  servers.delete(OWN_HIT)
  const columns = ['', ...scenarios.map(({ column }) => column), 'p99 of a hit, ms', 'herd: asked', 'herd: last, ms']
  return [`| ${columns.join(' | ')} |`, `|${' --- |'.repeat(columns.length)}`, ...[...servers].map(row)]
}

const median = (values: readonly number[], digits = 0, unit = ''): string =>
  values.length === 0 || values.some(Number.isNaN) ? '' : `${spread(values).median.toFixed(digits)}${unit}`

/** A Markdown table per scenario, the cheapest server first. */
export function scenarioTables(results: Results): string[] {
  return SCENARIOS.flatMap(({ name, title }) => {
    const contests = results.get(name)
    return contests === undefined ? [] : ['', `### ${title}`, '', ...scenarioTable(contests)]
  })
}

function scenarioTable(contests: Contests): string[] {
  const cost = (rounds: readonly Round[]) => spread(rounds.map(cpu)).median
  const rows = [...roundsOf(contests)].toSorted(([, one], [, other]) => cost(one) - cost(other))
  return [
    '| server | CPU per request, µs | Herdgate ÷ it | thousand requests/s | p99, ms |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(([name, rounds]) => {
      const pairs = contests.get(name)
      const ratio = pairs === undefined ? '' : showSpread(spread(ratios(pairs, cpu)), 2)
      const rate = spread(rounds.map(({ requestsPerSecond }) => requestsPerSecond / 1_000))
      const p99 = spread(rounds.map(({ p99Ms }) => p99Ms))
      return `| ${bold(name)} | ${showSpread(spread(rounds.map(cpu)))} | ${ratio} | ${showSpread(rate)} | ${showSpread(p99, 2)} |`
    }),
  ]
}

/** A Markdown table of the cold herd. */
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
      const taken = shown(rounds, ({ serverCpuMs }) => serverCpuMs)
      return `| ${bold(name)} | ${asked} | ${times.join(' | ')} | ${failed} | ${taken} |`
    }),
  ]
}

const bold = (name: string): string => (name === HERDGATE ? `**${name}**` : name)
