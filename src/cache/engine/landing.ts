import type { Detail, Entry, Stamp } from '../../model.ts'
import type { LoadContext, Loaded, Question } from './question.ts'

/** How a fetch ended, known at the response's head. */
export type Landed<E extends Entry, D> =
  /** For everyone: a response being stored, or a stored one that was confirmed (`validated`). */
  | {
      readonly kind: 'entry'
      readonly entry: E
      readonly status: number
      readonly validated: boolean
      /**
       * Another process that shares the stores fetched and stored it: during the wait, before, or so long ago that it is
       * stale, and has to be looked up and judged like any stored copy.
       */
      readonly elsewhere?: 'meanwhile' | 'before' | 'stale' | undefined
    }
  /** For the request that began the fetch only, and why. */
  | {
      readonly kind: 'direct'
      readonly reply: D
      readonly status: number
      readonly why: Detail
      /** An error that the next request may not see: a copy that may stand in for it stays. */
      readonly transient?: boolean | undefined
      /** The answer says nothing about the stored copy, which stays in any case. */
      readonly leavesCopy?: boolean | undefined
      /** A copy that this answer showed to be outdated, as it is to be stored from now on. */
      readonly outdated?: E | undefined
    }
  /** The origin answered with an error (5xx), and why that is not stored. A stale copy may stand in for it. */
  | {
      readonly kind: 'failed'
      readonly reply: D
      readonly status: number
      readonly why: Detail
      /** Its stamp, if it may be given to other waiters. */
      readonly shared: Stamp | undefined
    }
  /** There was no answer. */
  | { readonly kind: 'error'; readonly thrown: unknown }

export type LandedEntry<E extends Entry> = Extract<Landed<E, never>, { kind: 'entry' }>

export function load<E extends Entry, D>(question: Question<E, D>, context: LoadContext<E>): Promise<Landed<E, D>> {
  return begin(question, context).catch(failedWith)
}

/** Calls `question.load`; a synchronous throw becomes a rejection. */
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

/** The caller that was to read the answer did not wait for it. */
export function discard<E extends Entry, D>(question: Question<E, D>, landed: Landed<E, D>): void {
  if (landed.kind === 'direct' || landed.kind === 'failed') question.discard(landed.reply)
  else if (landed.kind === 'entry') question.discardEntry(landed.entry)
}
