/** Decides what is worth its place in a full store; admitting-lru.ts acts on the decisions. */

/** Entries in the store, or one to be admitted, and what they save. */
export interface Claim {
  readonly bytes: number
  /** Recent requests times the origin's time for one: the microseconds that the copies save. */
  readonly savesUs: number
}

/** May the newcomer replace the victims? Only if it saves more per byte; on a tie the victims stay. */
export const outweighs = (newcomer: Claim, victims: Claim): boolean =>
  newcomer.savesUs * victims.bytes > victims.savesUs * newcomer.bytes

/** Bounds of an origin's time, in ms, so that it never decides alone. */
const COST = { least: 1, most: 10_000 }

/**
 * @param costMs as measured; undefined when not known
 * @param typicalMs stands in for a cost that is not known
 */
export const costOf = (costMs: number | undefined, typicalMs: number): number =>
  Math.min(Math.max(costMs ?? typicalMs, COST.least), COST.most)

/**
 * How a store is divided. Newcomers get a window of their own, where they are kept without having to be worth it. The
 * larger the window, the more the store favours recency; the smaller, the more it favours frequency.
 */
export interface Division {
  /** The window's share of the store's bytes, from 0 to 1. */
  readonly window: number
  /** The last change of the window; its sign is the direction. */
  readonly step: number
  /** The hit ratio before that change. */
  readonly hitRatio: number
}

const WINDOW = { least: 0.01, most: 0.8 }
const FIRST_STEP = 0.0625
const DECAY = 0.98
/** A change of the hit ratio by this much is a sign of different traffic: the search starts over. */
const UPHEAVAL = 0.05

export const FIRST_DIVISION: Division = { window: WINDOW.least, step: FIRST_STEP, hitRatio: 0 }

/** The next division to try, by hill climbing: on in the same direction, or back where the hit ratio has fallen. */
export function nextDivision({ window, step, hitRatio: before }: Division, hitRatio: number): Division {
  const gain = hitRatio - before
  const direction = Math.sign(step) * (gain < 0 ? -1 : 1)
  const length = Math.abs(gain) >= UPHEAVAL ? FIRST_STEP : Math.abs(step) * DECAY
  const next = Math.min(Math.max(window + direction * length, WINDOW.least), WINDOW.most)
  return { window: next, step: direction * length, hitRatio }
}
