import { setTimeout as sleep } from 'node:timers/promises'

/** A promise that the test resolves. */
export function gate(): { open: () => void; opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { open: resolve, opened: promise }
}

/** Polls until the condition holds. @throws an error with `what` after a timeout long enough for a busy machine */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string = String(condition),
  timeoutMs: number = 60_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not in ${timeoutMs} ms: ${what}`)
    await sleep(10)
  }
}

/** Waits until a count of octets has not grown for a fifth of a second, because every buffer on the way is full. */
export async function standstill(count: () => number): Promise<void> {
  let before = -1
  let still = 0
  while (still < 4) {
    still = before === count() && before > 0 ? still + 1 : 0
    before = count()
    await sleep(50)
  }
}
