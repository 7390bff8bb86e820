import { setTimeout } from 'k6/timers'

/** Not `sleep`, which stops everything of a user. */
export const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** Looks five times a second. @returns whether it came to hold */
export async function comesTrue(holds: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  for (const endsAt = Date.now() + withinMs; Date.now() < endsAt; await wait(200)) {
    if (await holds()) return true
  }
  return false
}
