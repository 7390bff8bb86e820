/** The set-up of each scenario and its amounts: in full, and in short for CI. */

export interface Plan {
  readonly nodes: number
  readonly redis: boolean
  /** Scenarios see one address, behind which nodes may restart. */
  readonly balanced: boolean
  readonly memory: string
  readonly originDelayMs: number
  readonly full: Amount
  readonly short: Amount
}

export interface Amount {
  readonly users: number
  /** Requests per second. */
  readonly rate: number
  readonly seconds: number
}

const USUAL = { nodes: 1, redis: false, balanced: false, memory: '256MiB', originDelayMs: 100 } as const
const ONE_VISIT = { users: 1, rate: 0, seconds: 0 } as const

export const PLANS: Readonly<Record<string, Plan>> = {
  smoke: { ...USUAL, originDelayMs: 500, full: ONE_VISIT, short: ONE_VISIT },
  stampede: {
    ...USUAL,
    originDelayMs: 1_000,
    full: { users: 500, rate: 0, seconds: 0 },
    short: { users: 500, rate: 0, seconds: 0 },
  },
  steady: {
    ...USUAL,
    full: { users: 100, rate: 500, seconds: 60 },
    short: { users: 50, rate: 100, seconds: 10 },
  },
  purge: {
    ...USUAL,
    nodes: 2,
    redis: true,
    originDelayMs: 50,
    full: { users: 100, rate: 300, seconds: 60 },
    short: { users: 50, rate: 60, seconds: 10 },
  },
  outage: {
    ...USUAL,
    full: { users: 100, rate: 300, seconds: 60 },
    short: { users: 50, rate: 60, seconds: 10 },
  },
  'redis-outage': {
    ...USUAL,
    nodes: 2,
    redis: true,
    full: { users: 100, rate: 300, seconds: 60 },
    short: { users: 50, rate: 60, seconds: 15 },
  },
  rolling: {
    ...USUAL,
    nodes: 2,
    balanced: true,
    full: { users: 100, rate: 500, seconds: 30 },
    short: { users: 100, rate: 200, seconds: 30 },
  },
  soak: {
    ...USUAL,
    memory: '32MiB',
    full: { users: 100, rate: 400, seconds: 2_700 },
    short: { users: 50, rate: 400, seconds: 120 },
  },
  breakpoint: {
    ...USUAL,
    full: { users: 200, rate: 10_000, seconds: 300 },
    short: { users: 100, rate: 500, seconds: 30 },
  },
}
