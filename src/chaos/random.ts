/**
 * Numbers from 0 to 1, 1 excluded, reproducible by seed and name (splitmix32). Each name has a sequence of its own, so
 * that operations of one tier do not change the faults of the others.
 */
export function seededRandom(seed: number, name: string): () => number {
  let state = hash(name, seed)
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}

/** FNV-1a, starting from the seed. */
function hash(text: string, seed: number): number {
  let sum = 0x811c9dc5 ^ seed
  for (const octet of Buffer.from(text)) sum = Math.imul(sum ^ octet, 0x01000193)
  return sum
}
