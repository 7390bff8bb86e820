import { Trend } from 'k6/metrics'
import type { Options } from 'k6/options'
import { environment } from '../lib/environment.ts'
import { get } from '../lib/herdgate.ts'
import { handleSummaryOf } from '../lib/summary.ts'
import { zipf } from '../lib/zipf.ts'

const { rate, seconds, users, originDelayMs } = environment

const RESOURCES = 100
const draw = zipf(RESOURCES)
const askedMs = new Trend('answered_in', true)
const abort = { abortOnFail: true, delayAbortEval: '5s' }

export const options: Options = {
  scenarios: {
    readers: {
      executor: 'ramping-arrival-rate',
      startRate: 100,
      stages: [{ duration: `${seconds}s`, target: rate }],
      preAllocatedVUs: users,
      maxVUs: users * 10,
    },
  },
  thresholds: {
    answered_in: [{ threshold: `p(95)<${originDelayMs}`, ...abort }],
    'http_req_failed{scenario:readers}': [{ threshold: 'rate<0.001', ...abort }],
    dropped_iterations: [{ threshold: `count<${users}`, ...abort }],
  },
}

export async function setup(): Promise<void> {
  for (let number = 0; number < RESOURCES; number++) await get(pathOf(number))
}

export default async function (): Promise<void> {
  askedMs.add((await get(pathOf(draw(Math.random())))).ms)
}

const pathOf = (number: number): string => `/breakpoint/${number}`

export const handleSummary = handleSummaryOf(
  `Up to ${rate} requests a second 95 of 100 are faster than the origin would be. Ends where that is true no more; the rate ` +
    'of iterations then tells about half of what was reached, and k6 or the machine may be what gave way.',
)
