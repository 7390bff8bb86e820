import { environment } from './environment.ts'

const { rate, seconds, users } = environment

/** A constant request rate, however long responses take: each iteration calls the scenario's `read`. */
export const READERS = {
  executor: 'constant-arrival-rate',
  rate,
  duration: `${seconds}s`,
  preAllocatedVUs: users,
  maxVUs: users * 4,
  exec: 'read',
} as const
