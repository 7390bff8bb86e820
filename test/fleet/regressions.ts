/** Seeds of histories that once went wrong: they are played first, always. */
export const REGRESSIONS: readonly number[] = [
  6,
  36,
  42, // a node that is cut off joined a fetch of before
  220,
  10_288, // a Redis that was set back to before a node had joined
  100_239,
  100_299,
  100_371,
  100_467, // Redis lost its data, and with it the nodes that were cut off
]
