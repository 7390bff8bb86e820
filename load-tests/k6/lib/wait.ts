import { setTimeout } from 'k6/timers'

/** Unlike `sleep`, does not block everything else of a virtual user. */
export const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** Polls five times a second. @returns whether the condition came to hold in time */
export async function comesTrue(holds: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  for (const endsAt = Date.now() + withinMs; Date.now() < endsAt; await wait(200)) {
    if (await holds()) return true
  }
  return false
}
