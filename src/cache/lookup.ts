import type { Anew, Awaitable, Entry, Found, InvalidationLog, Kept, Store, Stored } from '../model.ts'
import type { Question } from './question.ts'

/**
 * What the stores hold for a question: first at the resource's key, then, if the resource varies, at the variant's.
 * Dead and outlived things are not found. A value, not a promise, where the store answers at once.
 */
export function lookup<E extends Entry, D>(
  store: Store,
  log: InvalidationLog,
  question: Question<E, D>,
  now: number,
  anew?: Anew,
): Awaitable<Found<E>> {
  const at = (key: string, judge: (stored: Stored | undefined) => Awaitable<Found<E>>): Awaitable<Found<E>> => {
    const kept = store.get(key, anew)
    return kept instanceof Promise ? kept.then((later) => judge(known(later))) : judge(known(kept))
  }

  const found = (key: string, stored: Stored | undefined, miss: Found['miss']): Awaitable<Found<E>> => {
    const verdict = stored === undefined ? 'dead' : log.verdict(stored)
    if (stored !== undefined && verdict !== 'dead' && !outlived(stored, now)) {
      if (question.isEntry(stored)) return { key, entry: stored, verdict, unshareable: false, miss }
      if (stored.kind === 'unshareable' && verdict === 'valid') return nothing(key, miss, true)
    }
    return question.apart === '' ? nothing(key, miss, false) : apart(key, miss)
  }

  /** Answers that only some askers may share are remembered apart from the others'. */
  const apart = (key: string, miss: Found['miss']): Awaitable<Found<E>> =>
    at(key + question.apart, (stored) => {
      const remembered = stored?.kind === 'unshareable' && now < stored.until && log.verdict(stored) === 'valid'
      return nothing(key, miss, remembered)
    })

  return at(question.key, (stored) => {
    if (stored?.kind !== 'varies' || log.verdict(stored) === 'dead') return found(question.key, stored, 'uri-miss')
    const key = question.variantKey(stored.on)
    const other = question.otherVariant(stored)
    return at(key, (variant) => {
      if (variant !== undefined || other === undefined) return found(key, variant, 'vary-miss')
      return at(other, (suiting) =>
        suiting === undefined ? found(key, undefined, 'vary-miss') : found(other, suiting, 'vary-miss'),
      )
    })
  })
}

/** What is certain to be there. */
export const known = (kept: Kept): Stored | undefined => (kept === 'unknown' ? undefined : kept)

const nothing = <E extends Entry>(key: string, miss: Found['miss'], unshareable: boolean): Found<E> => ({
  key,
  entry: undefined,
  verdict: 'valid',
  unshareable,
  miss,
})

function outlived(stored: Stored, now: number): boolean {
  switch (stored.kind) {
    case 'response':
    case 'value':
    case 'varies':
      return now >= stored.keepUntil
    case 'unshareable':
      return now >= stored.until
  }
}
