/** Takes copies into this process's memory from outside of it. */
import { MAX_SMALL_BYTES } from '../body.ts'
import { correctionOf } from '../clock.ts'
import type { StoreEvent } from '../events.ts'
import { aboutToCopy } from '../heap/content-volume.ts'
import { type Clock, isAhead, type Kept, type Pressure } from '../model.ts'
import { decode } from './codec/codec.ts'

/** What a store outside this process has under a key. `defective`: something that cannot be read. */
export type Found = Kept | 'defective'

export interface TakingIn {
  readonly clock: Clock
  readonly pressure: Pressure | undefined
  readonly hmacKey?: string | Uint8Array | undefined
}

/** Decodes what a store has under a key, unless memory lacks the room, or it seems to come from the future. */
export function takeIn(key: string, octets: Uint8Array, { clock, pressure, hmacKey }: TakingIn): Found {
  if (!mayTakeIn(octets.length, pressure)) return 'unknown'
  const stored = decode(key, octets, { hmacKey, correction: correctionOf(clock) })
  if (stored === undefined) return 'defective'
  return isAhead(stored, clock.now()) ? undefined : stored
}

/** How the look-up is reported. */
export function outcomeOf(found: Found): StoreEvent['outcome'] {
  switch (found) {
    case undefined:
      return 'miss'
    case 'unknown':
      return 'unknown'
    case 'defective':
      return 'error'
    default:
      return 'hit'
  }
}

/**
 * May a copy of this many bytes be taken into this process's memory, from outside of it? While memory is short only a
 * small one: it may stay there for as long as a client takes to receive it.
 */
export function mayTakeIn(bytes: number, pressure: Pressure | undefined): boolean {
  aboutToCopy(bytes)
  return bytes <= MAX_SMALL_BYTES || pressure?.high !== true
}
