/** Numbers from 0 to 1, 1 excluded, reproducible by seed. */
export type Chance = () => number

/** The minimal standard generator of Park and Miller, on 31 bits, with its first values discarded. */
export function chance(seed: number): Chance {
  let state = (seed % 2_147_483_646) + 1
  const next = (): number => {
    state = (state * 48_271) % 2_147_483_647
    return (state - 1) / 2_147_483_646
  }
  for (let turn = 0; turn < 8; turn++) next()
  return next
}
