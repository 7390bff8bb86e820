/**
 * After so long without a sign of life whoever holds a lease for a fetch is taken for dead, in milliseconds: among nodes, and
 * among workers.
 */
export const LEASE_LIFE_MS = 2_000
