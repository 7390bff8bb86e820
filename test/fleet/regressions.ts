/** Seeds of histories that once went wrong: they are played first, always. */
export const REGRESSIONS: readonly number[] = []
