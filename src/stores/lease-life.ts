/** How long a node or worker that holds a fetch lease may be silent before it is taken for dead, in ms. */
export const LEASE_LIFE_MS = 2_000
