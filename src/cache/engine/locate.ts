import {
  type Anew,
  type Entry,
  type Found,
  type InvalidationLog,
  type Kept,
  peekInto,
  type Store,
  type Tier,
} from '../../model.ts'
import { lookup } from './lookup.ts'
import type { Question } from './question.ts'
import type { Reads } from './reads.ts'

export interface Located<E extends Entry> {
  readonly found: Found<E>
  /** The tier of the entry; meaningless if nothing was found. Undefined if the store does not name its tiers. */
  readonly tier: Tier | undefined
}

/** A look-up that promotes nothing to a nearer tier, and tells which tier the entry was found in. */
export async function locate<E extends Entry, D>(
  store: Store,
  log: InvalidationLog,
  question: Question<E, D>,
  now: number,
  anew?: Anew,
): Promise<Located<E>> {
  const peeks = new Peeks(store, anew)
  const found = await lookup(peeks, log, question, now, peeks.get(question.key), anew)
  return { found, tier: peeks.tiers.get(found.key) }
}

/** Reads that promote nothing to a nearer tier. */
export class Peeks implements Reads {
  /** The tier each key was found in. */
  readonly tiers = new Map<string, Tier | undefined>()
  readonly #store: Store
  readonly #anew: Anew | undefined

  constructor(store: Store, anew?: Anew) {
    this.#store = store
    this.#anew = anew
  }

  async get(key: string): Promise<Kept> {
    const { kept, tier } = await peekInto(this.#store, key, this.#anew)
    this.tiers.set(key, tier)
    return kept
  }
}
