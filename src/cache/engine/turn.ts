/** One fetch per key among all processes that share the stores: whose turn it is to ask the origin. */
import type { FetchLeases, Lease } from '../../model.ts'

export type Turn<E> =
  /** Ask the origin. With a lease, the other processes wait for the result. */
  | { readonly kind: 'fetch'; readonly lease: Lease | undefined }
  /** Another process has fetched this. `awaited`: it was stored during the wait, not before. */
  | { readonly kind: 'found'; readonly entry: E; readonly awaited: boolean }

/** What another process stored may be purged before it is read here: then another turn is taken, up to this many. */
const MAX_TURNS = 3

/**
 * Waits for the key's lease, or for what its holder stores.
 * @param look returns what is stored by now and answers the question
 */
export async function takeTurn<E>(
  leases: FetchLeases,
  key: string,
  look: () => Promise<E | undefined>,
): Promise<Turn<E>> {
  for (let turn = 1; turn <= MAX_TURNS; turn++) {
    const answer = await leases.take(key)
    switch (answer.kind) {
      case 'held': {
        // The last holder may have stored it between the look-up and this turn.
        const entry = await lookHolding(answer.lease, look)
        if (entry === undefined) return { kind: 'fetch', lease: answer.lease }
        void answer.lease.release('stored')
        return { kind: 'found', entry, awaited: turn > 1 }
      }
      case 'stored': {
        const entry = await look()
        if (entry !== undefined) return { kind: 'found', entry, awaited: true }
        break
      }
      case 'overtaken':
        break
      case 'unshared':
      case 'unavailable':
        return { kind: 'fetch', lease: undefined }
    }
  }
  return { kind: 'fetch', lease: undefined }
}

/** Releases the lease when looking fails. */
async function lookHolding<E>(lease: Lease, look: () => Promise<E | undefined>): Promise<E | undefined> {
  try {
    return await look()
  } catch (error) {
    void lease.release('unshared')
    throw error
  }
}
