import type { HerdRound } from './herd.ts'
import type { Round, ScenarioName } from './scenarios.ts'
import { HERDGATE } from './servers.ts'

/** Rounds of Herdgate and another server, one right after the other. */
export interface Pair {
  readonly ours: Round
  readonly theirs: Round
}

/** By the other server's name. */
export type Contests = ReadonlyMap<string, readonly Pair[]>
export type Results = ReadonlyMap<ScenarioName, Contests>
export type HerdResults = ReadonlyMap<string, readonly HerdRound[]>

/** Rounds by server, Herdgate first with those of all its pairs. */
export function roundsOf(contests: Contests): ReadonlyMap<string, readonly Round[]> {
  const ours = [...contests.values()].flatMap((pairs) => pairs.map((pair) => pair.ours))
  const theirs = [...contests].map(([name, pairs]) => [name, pairs.map((pair) => pair.theirs)] as const)
  return new Map([[HERDGATE, ours], ...theirs])
}

/** Adds a round of a server. */
export function note<T>(rounds: Map<string, T[]>, name: string, round: T): void {
  const known = rounds.get(name)
  if (known === undefined) rounds.set(name, [round])
  else known.push(round)
}

/** Taken pair by pair, as a machine that slows down slows both. */
export const ratios = (pairs: readonly Pair[], figure: (round: Round) => number): number[] =>
  pairs.map(({ ours, theirs }) => figure(ours) / figure(theirs))

export const cpu = ({ microseconds }: Round): number => microseconds
