import type { Detail, Entry } from '../../model.ts'
import type { LoadContext, Loaded, Question } from './question.ts'

/** How a fetch ended, known at the response's head. */
export type Landed<E extends Entry, D> =
  /** For everyone: being stored, or a stored response found still good (`validated`). */
  | {
      readonly kind: 'entry'
      readonly entry: E
      readonly status: number
      readonly validated: boolean
      /** Another who shares the stores has fetched and stored it: while it was waited for, or before. */
      readonly elsewhere?: 'meanwhile' | 'before' | undefined
    }
  /** For the request that started the fetch, alone, and why. */
  | {
      readonly kind: 'direct'
      readonly reply: D
      readonly status: number
      readonly why: Detail
      /** An error that may be gone with the next request: a copy that may stand in for it stays. */
      readonly transient?: boolean | undefined
      /** It says nothing of what is stored: that stays in any case. */
      readonly aside?: boolean | undefined
      /** A stored response that this answer shows to be out of date, as it is to be kept from now on. */
      readonly outdated?: E | undefined
    }
  /** The origin answered that it failed (5xx), and why that is not stored. A stale copy may stand in for it. */
  | {
      readonly kind: 'failed'
      readonly reply: D
      readonly status: number
      readonly why: Detail
      /** It may be given to others who wait. */
      readonly shared: boolean
    }
  /** There was no answer. */
  | { readonly kind: 'error'; readonly thrown: unknown }

export type LandedEntry<E extends Entry> = Extract<Landed<E, never>, { kind: 'entry' }>

export function load<E extends Entry, D>(question: Question<E, D>, context: LoadContext<E>): Promise<Landed<E, D>> {
  return begin(question, context).catch(failedWith)
}

/** The same as `question.load`, which may also throw at once here. */
export function begin<E extends Entry, D>(question: Question<E, D>, context: LoadContext<E>): Promise<Loaded<E, D>> {
  try {
    return question.load(context)
  } catch (thrown) {
    return Promise.reject(thrown)
  }
}

export const failedWith = (thrown: unknown): Extract<Landed<Entry, never>, { kind: 'error' }> => ({
  kind: 'error',
  thrown,
})

/** The one who was to read the answer did not wait for it. */
export function discard<E extends Entry, D>(question: Question<E, D>, landed: Landed<E, D>): void {
  if (landed.kind === 'direct' || landed.kind === 'failed') question.discard(landed.reply)
  else if (landed.kind === 'entry') question.discardEntry(landed.entry)
}
