/** What has failed, so that a failed run can be understood without repeating it. */

export interface Failure {
  /** Such as `readers: 504 herdgate; fwd=uri-miss; detail=origin_timeout`. */
  readonly what: string
  times: number
  /** Seconds since the run began. */
  readonly firstAt: number
  lastAt: number
}

/** Further kinds are counted as one, as messages from elsewhere are unbounded in number. */
const MAX_KINDS = 30
const LONGEST = 200

const failures = new Map<string, Failure>()
const beganAt = performance.now()

/** Counts a failure, and prints the first of its kind. */
export function recordFailure(kind: string): void {
  const what = failures.has(kind) || failures.size < MAX_KINDS ? kind : 'others'
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

/** In the order of their first occurrence. */
export const failureTallies = (): Failure[] => [...failures.values()]

/** A message from elsewhere on one line of limited length. */
export const inShort = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, LONGEST)
