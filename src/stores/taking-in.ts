import { MAX_SMALL_BYTES } from '../body.ts'
import { aboutToCopy } from '../heap/content-volume.ts'
import type { Pressure } from '../model.ts'

/**
 * May a copy of this many bytes be taken into this process's memory, from outside of it? While memory is short only a
 * small one: it may stay there for as long as a client takes to receive it.
 */
export function mayTakeIn(bytes: number, pressure: Pressure | undefined): boolean {
  aboutToCopy(bytes)
  return bytes <= MAX_SMALL_BYTES || pressure?.high !== true
}
