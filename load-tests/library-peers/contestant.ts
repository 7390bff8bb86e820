export type Value = object
export type Load = () => Promise<Value>

/** A cache in this process, used as its documentation says. What a library cannot do is absent. */
export interface Contestant {
  get(key: string): unknown
  /** With a ttl of five minutes, as all that follow; set once as a default where that is possible. */
  set(key: string, value: Value): unknown
  getOrSet(key: string, load: Load): Promise<unknown>
  /** If absent, single calls are made concurrently. */
  getMany?(keys: readonly string[]): Promise<readonly unknown[]>
  setMany?(entries: readonly Entry[]): Promise<unknown>
  /** Absent if it has no tags. */
  readonly tags?: {
    setTagged(key: string, value: Value, tag: string): unknown
    deleteTag(tag: string): unknown
    get(key: string): unknown
  }
  /** Absent if it never serves a value that is no longer fresh. */
  readonly grace?: {
    /** Sets a value that is stale after `staleAfterMs`. */
    setShort(key: string, value: Value): Promise<unknown>
    readonly staleAfterMs: number
    /** Returns the stale value at once, while `load` runs. */
    getStale(key: string, load: Load): Promise<unknown>
  }
}

export interface Entry {
  readonly key: string
  readonly value: Value
}

/**
 * What a contestant may keep: a number of entries or, if it counts bytes, of bytes. Those that bound neither by default
 * keep everything.
 */
export interface Room {
  readonly entries: number
  readonly bytes: number
}

/** More than any pattern except the random one needs; an entry takes 700 to 900 bytes in all. */
export const ROOM: Room = { entries: 10_000, bytes: 8 * 2 ** 20 }
export const TTL_MS = 300_000
