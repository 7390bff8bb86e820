export type Value = object
export type Load = () => Promise<Value>

/** A cache in this process, as its documentation says it is used. What a library cannot do is absent. */
export interface Contestant {
  get(key: string): unknown
  /** For five minutes, as with all that follows: it is told so once, where it can be. */
  set(key: string, value: Value): unknown
  getOrSet(key: string, load: Load): Promise<unknown>
  /** Absent: single calls at once. */
  getMany?(keys: readonly string[]): Promise<readonly unknown[]>
  setMany?(entries: readonly Entry[]): Promise<unknown>
  /** Absent: it knows no tags. */
  readonly tags?: {
    setTagged(key: string, value: Value, tag: string): unknown
    deleteTag(tag: string): unknown
    get(key: string): unknown
  }
  /** Absent: it has no answer from a value that is no longer fresh. */
  readonly grace?: {
    /** Puts a value that is stale when `staleAfterMs` have passed. */
    setShort(key: string, value: Value): Promise<unknown>
    readonly staleAfterMs: number
    /** The stale value at once, while `load` runs. */
    getStale(key: string, load: Load): Promise<unknown>
  }
}

export interface Entry {
  readonly key: string
  readonly value: Value
}

/**
 * What a contestant may keep: so many entries, or, where it counts bytes, so many of those. Those who bound neither unless
 * they are made to keep everything.
 */
export interface Room {
  readonly entries: number
  readonly bytes: number
}

/** More than any of the patterns needs at once, but the random one; the entries are of 700 to 900 bytes, all counted. */
export const ROOM: Room = { entries: 10_000, bytes: 8 * 2 ** 20 }
export const TTL_MS = 300_000
