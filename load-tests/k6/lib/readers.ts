import { environment } from './environment.ts'

const { rate, seconds, users } = environment

/** So many requests a second from beginning to end, however long the answers take: each calls the scenario's `read`. */
export const READERS = {
  executor: 'constant-arrival-rate',
  rate,
  duration: `${seconds}s`,
  preAllocatedVUs: users,
  maxVUs: users * 4,
  exec: 'read',
} as const
