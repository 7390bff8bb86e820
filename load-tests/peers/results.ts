import type { HerdRound } from './herd.ts'
import type { Round, ScenarioName } from './scenarios.ts'

/** Rounds by name of the server, in the order they were run: round N of one belongs beside round N of another. */
export type Results = ReadonlyMap<ScenarioName, ReadonlyMap<string, readonly Round[]>>
export type HerdResults = ReadonlyMap<string, readonly HerdRound[]>

/** Notes one more round of a server. */
export function note<T>(rounds: Map<string, T[]>, name: string, round: T): void {
  const known = rounds.get(name)
  if (known === undefined) rounds.set(name, [round])
  else known.push(round)
}

/** Round by round, so that a machine that slows down slows both. */
export const ratios = (ours: readonly number[], theirs: readonly number[]): number[] =>
  ours.map((our, round) => our / (theirs[round] ?? Number.NaN))
