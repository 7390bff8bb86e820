import type {
  Anew,
  Awaitable,
  Entry,
  Found,
  FoundNothing,
  InvalidationLog,
  Kept,
  Store,
  Stored,
  Tier,
} from '../../model.ts'
import type { Reads } from './reads.ts'
import type { Question } from './question.ts'
import { withStored } from './with-stored.ts'

/**
 * What the stores hold for a question: looks under the resource's key, then, if the resource varies, under the
 * variant's. Purged entries, and those past `keepUntil`, are not found. Returns a value, not a promise, if the store is
 * synchronous.
 * @param kept what the store returned for the resource's key
 * @param anew passed to the store for the other keys
 */
export function lookup<E extends Entry, D>(
  store: Reads,
  log: InvalidationLog,
  question: Question<E, D>,
  now: number,
  kept: Awaitable<Kept>,
  anew?: Anew,
): Awaitable<Found<E>> {
  if (kept === undefined && question.apart === '') return nothing(question.key, 'uri-miss', false)
  const look = { store, log, question, now, anew }
  return kept instanceof Promise ? kept.then((later) => atResource(look, later)) : atResource(look, kept)
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
    const store = this.#store
    if (store.peek === undefined) {
      this.tiers.set(key, store.usage()[0]?.tier)
      return store.get(key, this.#anew)
    }
    const { kept, tier } = await store.peek(key, this.#anew)
    this.tiers.set(key, tier)
    return kept
  }
}

export interface Located<E extends Entry> {
  readonly found: Found<E>
  /** The tier of the entry; meaningless if nothing was found. Undefined if the store does not name its tiers. */
  readonly tier: Tier | undefined
}

interface LookupContext<E extends Entry, D> {
  readonly store: Reads
  readonly log: InvalidationLog
  readonly question: Question<E, D>
  readonly now: number
  readonly anew: Anew | undefined
}

function atResource<E extends Entry, D>(look: LookupContext<E, D>, kept: Kept): Awaitable<Found<E>> {
  const { log, question } = look
  const stored = known(kept)
  if (stored?.kind !== 'varies' || log.verdict(stored) === 'dead') return found(look, question.key, stored, 'uri-miss')
  return atVariant(look, question.variantKey(stored.on), question.otherVariant(stored))
}

function atVariant<E extends Entry, D>(
  look: LookupContext<E, D>,
  key: string,
  other: string | undefined,
): Awaitable<Found<E>> {
  const judge = (kept: Kept): Awaitable<Found<E>> => {
    const variant = known(kept)
    return variant !== undefined || other === undefined
      ? found(look, key, variant, 'vary-miss')
      : atOtherVariant(look, key, other)
  }
  const kept = look.store.get(key, look.anew)
  return kept instanceof Promise ? kept.then(judge) : judge(kept)
}

/** Looks under another variant's key that also suits the caller. */
function atOtherVariant<E extends Entry, D>(
  look: LookupContext<E, D>,
  key: string,
  other: string,
): Awaitable<Found<E>> {
  const judge = (kept: Kept): Awaitable<Found<E>> => {
    const suitable = known(kept)
    return found(look, suitable === undefined ? key : other, suitable, 'vary-miss')
  }
  return withStored(look.store, other, judge, look.anew)
}

function found<E extends Entry, D>(
  look: LookupContext<E, D>,
  key: string,
  stored: Stored | undefined,
  miss: FoundNothing['miss'],
): Awaitable<Found<E>> {
  const { log, question, now } = look
  const verdict = stored === undefined ? 'dead' : log.verdict(stored)
  if (stored !== undefined && verdict !== 'dead' && now < stored.keepUntil) {
    if (question.isEntry(stored)) return { kind: 'entry', key, entry: stored, verdict }
    if (stored.kind === 'unshareable' && verdict === 'valid') return nothing(key, miss, true)
  }
  return question.apart === '' ? nothing(key, miss, false) : apart(look, key, miss)
}

/** Unshareable markers for some callers only are stored under the key plus `apart`. */
function apart<E extends Entry, D>(
  look: LookupContext<E, D>,
  key: string,
  miss: FoundNothing['miss'],
): Awaitable<Found<E>> {
  const { store, log, question, now, anew } = look
  const remembered = isUnshareable(store, log, key + question.apart, now, anew)
  return remembered instanceof Promise
    ? remembered.then((later) => nothing(key, miss, later))
    : nothing(key, miss, remembered)
}

/** Whether an unshareable marker is stored under this key. */
export function isUnshareable(
  store: Reads,
  log: InvalidationLog,
  key: string,
  now: number,
  anew?: Anew,
): Awaitable<boolean> {
  const judge = (kept: Kept): boolean => {
    const stored = known(kept)
    return stored?.kind === 'unshareable' && now < stored.keepUntil && log.verdict(stored) === 'valid'
  }
  return withStored(store, key, judge, anew)
}

/** What is certainly stored. */
export const known = (kept: Kept): Stored | undefined => (kept === 'unknown' ? undefined : kept)

const nothing = (key: string, miss: FoundNothing['miss'], unshareable: boolean): FoundNothing => ({
  kind: 'nothing',
  key,
  miss,
  unshareable,
})
