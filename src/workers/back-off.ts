const FIRST_MS = 100
const LONGEST_MS = 10_000

/** How long to wait before a process takes the place of one that ended, in ms. @param shortLives in a row, with that one */
export function delayBefore(shortLives: number): number {
  return shortLives <= 1 ? 0 : Math.min(FIRST_MS * 2 ** (shortLives - 2), LONGEST_MS)
}
