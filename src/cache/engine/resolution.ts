import type { Decision, Detail, Entry, ForwardReason, Outcome } from '../../model.ts'

/** How a question was answered. */
export type Resolution<E extends Entry, D> =
  | { readonly kind: 'entry'; readonly entry: E; readonly outcome: Outcome }
  | { readonly kind: 'direct'; readonly reply: D; readonly outcome: Outcome }
  | { readonly kind: 'error'; readonly thrown: unknown; readonly outcome: Outcome }

/** Decisions to ask the origin: in a shared fetch, or for one caller only. */
export type Forward<E extends Entry> = Extract<Decision<E>, { kind: 'revalidate' | 'fetch' }>
export type Pass<E extends Entry> = Extract<Decision<E>, { kind: 'pass' }>

export const isForwarding = <E extends Entry>(decision: Decision<E>): decision is Forward<E> | Pass<E> =>
  decision.kind === 'revalidate' || decision.kind === 'fetch' || decision.kind === 'pass'

/** The entry stored where the answer would be stored. */
export const existingEntry = <E extends Entry>(decision: Forward<E> | Pass<E>): E | undefined =>
  decision.kind === 'revalidate' ? decision.entry : decision.existing

/** Ask for this caller only: answers to callers like it are not shared. */
export const toPass = <E extends Entry>(decision: Forward<E>): Pass<E> => ({
  kind: 'pass',
  why: decision.why,
  detail: 'unshareable',
  fallback: decision.fallback,
  remembered: true,
  existing: existingEntry(decision),
})

export function served<E extends Entry, D>(
  entry: E,
  result: 'hit' | 'stale' | 'stale_if_error',
  now: number,
  detail?: Detail,
): Resolution<E, D> {
  const ttlMs = entry.freshUntil - now
  // An invalidated copy is stale, whatever its lifetime says.
  return { kind: 'entry', entry, outcome: { result, ttlMs: result === 'hit' ? ttlMs : Math.min(ttlMs, 0), detail } }
}

export const direct = <E extends Entry, D>(reply: D, outcome: Outcome): Resolution<E, D> => ({
  kind: 'direct',
  reply,
  outcome,
})

export const failure = <E extends Entry, D>(thrown: unknown, outcome: Outcome): Resolution<E, D> => ({
  kind: 'error',
  thrown,
  outcome,
})

export const collapsed = (fwd: ForwardReason): Outcome => ({ result: 'collapsed', fwd, collapsed: true })
