import type { Clock } from '../model.ts'
import type { Fate } from './fate.ts'
import { wait } from './wait.ts'

/**
 * Waits for as long as a round trip with this fate takes.
 * @param deadlineMs after which it has failed unanswered
 * @returns whether it succeeded
 */
export async function roundTrip({ fault, delayMs }: Fate, deadlineMs: number, clock: Clock): Promise<boolean> {
  const isLost = fault === 'partition' || delayMs >= deadlineMs
  await wait(isLost ? deadlineMs : delayMs, clock)
  return !isLost && fault === 'none'
}
