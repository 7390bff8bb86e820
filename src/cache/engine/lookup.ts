import {
  type Anew,
  type Awaitable,
  type Entry,
  type Found,
  type FoundNothing,
  type InvalidationLog,
  type Kept,
  known,
  type Stored,
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
  return withStored(look.store, key, judge, look.anew)
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

const nothing = (key: string, miss: FoundNothing['miss'], unshareable: boolean): FoundNothing => ({
  kind: 'nothing',
  key,
  miss,
  unshareable,
})
