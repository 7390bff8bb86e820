const FIRST_MS = 100
const LONGEST_MS = 10_000

/**
 * How long to wait before a process that ended is replaced, in ms.
 * @param shortLives how many ended early in a row, that one included
 */
export function delayBefore(shortLives: number): number {
  return shortLives <= 1 ? 0 : Math.min(FIRST_MS * 2 ** (shortLives - 2), LONGEST_MS)
}
