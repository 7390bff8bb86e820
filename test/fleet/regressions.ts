/** Seeds of histories that once failed; they are always played first. */
export const REGRESSIONS: readonly number[] = [
  6,
  36,
  42, // a node that was cut off joined a fetch from before
  220,
  10_288, // Redis was rolled back to before a node had joined
  100_239,
  100_299,
  100_371,
  100_467, // Redis lost its data, including the entries of nodes that were cut off
]
