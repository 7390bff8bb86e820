/** What is worth its place in a full store. Decisions only; admitting-lru.ts acts on them. */

/** Things in the store, or one that wants to be, and what they save. */
export interface Claim {
  readonly bytes: number
  /** Recent requests times what the origin takes for one: microseconds that the copies save. */
  readonly savesUs: number
}

/** May the newcomer have the place of the victims? Only if it saves more per byte; where all is equal, what is there stays. */
export const outweighs = (newcomer: Claim, victims: Claim): boolean =>
  newcomer.savesUs * victims.bytes > victims.savesUs * newcomer.bytes

/** No origin is so quick, or so slow, that its time alone decides. In milliseconds. */
const COST = { least: 1, most: 10_000 }

/** @param costMs as measured; undefined: not known @param typicalMs of those that are known */
export const costOf = (costMs: number | undefined, typicalMs: number): number =>
  Math.min(Math.max(costMs ?? typicalMs, COST.least), COST.most)

/**
 * How a store is divided. Newcomers have a window to themselves, where they are kept without having to be worth it: the
 * larger it is, the more the store is one that keeps what is recent, the smaller, one that keeps what is frequent.
 */
export interface Division {
  /** Of the store's bytes, that are the window's. */
  readonly window: number
  /** By how much the window was changed last; its sign says in which direction. */
  readonly step: number
  /** The hit ratio before that. */
  readonly hitRatio: number
}

const WINDOW = { least: 0.01, most: 0.8 }
const FIRST_STEP = 0.0625
const DECAY = 0.98
/** A hit ratio that changes by this much is a sign of other traffic: the search begins anew. */
const UPHEAVAL = 0.05

export const FIRST_DIVISION: Division = { window: WINDOW.least, step: FIRST_STEP, hitRatio: 0 }

/** The next division to try: on in the same direction while that brings more hits, else back (hill climbing). */
export function divided({ window, step, hitRatio: before }: Division, hitRatio: number): Division {
  const gain = hitRatio - before
  const direction = Math.sign(step) * (gain < 0 ? -1 : 1)
  const length = Math.abs(gain) >= UPHEAVAL ? FIRST_STEP : Math.abs(step) * DECAY
  const next = Math.min(Math.max(window + direction * length, WINDOW.least), WINDOW.most)
  return { window: next, step: direction * length, hitRatio }
}
