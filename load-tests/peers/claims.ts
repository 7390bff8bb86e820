/** The limits that Herdgate has to keep beside the others in one run. */
import { showSpread, spread } from '../lib/rounds.ts'
import { cpu, type Results, ratios } from './results.ts'
import type { Round, ScenarioName } from './scenarios.ts'
import { BARE_HTTP, BARE_PROXY, CEILING, OWN_HIT } from './servers.ts'

interface Claim {
  readonly what: string
  readonly scenario: ScenarioName
  /** The other server. */
  readonly beside: string
  readonly figure?: (round: Round) => number
  readonly atMost: number
}

const CLAIMS: readonly Claim[] = [
  { what: 'CPU of a hit, 1 KiB', scenario: 'hit-1k', beside: CEILING, atMost: 1.25 },
  { what: 'CPU of a hit, 1 KiB', scenario: 'hit-1k', beside: 'HAProxy', atMost: 1 },
  { what: 'CPU of a hit, 1 KiB', scenario: 'hit-1k', beside: 'nginx', atMost: 0.55 },
  { what: 'CPU of a hit, 1 KiB', scenario: 'hit-1k', beside: 'Varnish', atMost: 0.4 },
  { what: 'CPU of a hit, 1 KiB', scenario: 'hit-1k', beside: BARE_HTTP, atMost: 0.65 },
  { what: "CPU of a hit, browsers' heads", scenario: 'heads', beside: 'HAProxy', atMost: 1 },
  { what: "CPU of a hit, browsers' heads", scenario: 'heads', beside: 'nginx', atMost: 0.7 },
  { what: 'CPU of a 304, beside a hit', scenario: 'not-modified', beside: OWN_HIT, atMost: 1 },
  { what: 'p99 of a hit, 1 KiB', scenario: 'hit-1k', beside: 'nginx', figure: ({ p99Ms }) => p99Ms, atMost: 1 },
  { what: 'CPU of a miss', scenario: 'miss', beside: BARE_PROXY, atMost: 1.1 },
]

/** @returns a Markdown table, and whether every measured limit is kept */
export function judge(results: Results): { readonly lines: readonly string[]; readonly hold: boolean } {
  const judged = CLAIMS.map((claim) => ({ claim, measured: measured(results, claim) }))
  const holds = ({ claim, measured: values }: (typeof judged)[number]) =>
    values.length === 0 || spread(values).median <= claim.atMost
  return {
    hold: judged.every(holds),
    lines: [
      '| Herdgate beside | | measured | at most | holds |',
      '| --- | --- | --- | --- | --- |',
      ...judged.map((each) => {
        const { what, beside, atMost } = each.claim
        const verdict = each.measured.length === 0 ? '' : holds(each) ? 'yes' : '**no**'
        const shown = each.measured.length === 0 ? 'not measured' : showSpread(spread(each.measured), 2)
        return `| ${beside} | ${what} | ${shown} | ${atMost} | ${verdict} |`
      }),
    ],
  }
}

function measured(results: Results, { scenario, beside, figure = cpu }: Claim): number[] {
  return ratios(results.get(scenario)?.get(beside) ?? [], figure)
}
