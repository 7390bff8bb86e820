/** What failed, so that a run that fails can be understood without being repeated. */

export interface Failure {
  /** Such as `readers: 504 herdgate; fwd=uri-miss; detail=origin_timeout`. */
  readonly what: string
  times: number
  /** Seconds since the run began. */
  readonly firstAt: number
  lastAt: number
}

/** More kinds than that are one: texts of others have no bound. */
const MOST_KINDS = 30
const LONGEST = 200

const failures = new Map<string, Failure>()
const beganAt = performance.now()

/** Counts a failure, and tells of the first of its kind. */
export function recordFailure(kind: string): void {
  const what = failures.has(kind) || failures.size < MOST_KINDS ? kind : 'others'
  const at = (performance.now() - beganAt) / 1_000
  const known = failures.get(what)
  if (known === undefined) {
    failures.set(what, { what, times: 1, firstAt: at, lastAt: at })
    console.error(`request failed after ${at.toFixed(1)} s: ${what}`)
  } else {
    known.times++
    known.lastAt = at
  }
}

/** In the order in which they came up. */
export const failureTallies = (): Failure[] => [...failures.values()]

/** Texts of others in one line of some length. */
export const inShort = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, LONGEST)
