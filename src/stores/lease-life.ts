/**
 * How long the holder of a fetch lease may be silent before it is taken for dead, in ms; among nodes and among workers.
 */
export const LEASE_LIFE_MS = 2_000
