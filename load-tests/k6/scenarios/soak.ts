import { Counter, Gauge } from 'k6/metrics'
import type { Options } from 'k6/options'
import { environment } from '../lib/environment.ts'
import { anyOf, bodyOf, get, purge, residentBytes } from '../lib/herdgate.ts'
import { handleSummaryOf } from '../lib/summary.ts'
import { wait } from '../lib/wait.ts'
import { zipf } from '../lib/zipf.ts'

const { rate, seconds, users, admins } = environment

/** Of 16 KiB each: more than the nodes have memory for, so that they always drop some. */
const draw = zipf(20_000)
const PURGED_EVERY_MS = 2_000

const wrong = new Counter('wrong_answers')
const growth = new Gauge('memory_growth')

export const options: Options = {
  scenarios: {
    readers: {
      executor: 'constant-arrival-rate',
      rate,
      duration: `${seconds}s`,
      preAllocatedVUs: users,
      maxVUs: users * 4,
      exec: 'read',
    },
    purges: { executor: 'constant-vus', vus: 1, duration: `${seconds}s`, exec: 'purgeSome' },
    watch: { executor: 'per-vu-iterations', maxDuration: `${seconds * 2}s`, exec: 'watch' },
  },
  thresholds: {
    memory_growth: ['value<1.25'],
    wrong_answers: ['count==0'],
    'http_req_failed{scenario:readers}': ['rate==0'],
    'http_req_failed{scenario:purges}': ['rate==0'],
  },
}

export async function read(): Promise<void> {
  const path = `/large/soak/${draw()}`
  const { body } = await get(path)
  wrong.add(body.startsWith(bodyOf(path)) ? 0 : 1)
}

export async function purgeSome(): Promise<void> {
  await purge('large')
  await wait(PURGED_EVERY_MS)
}

/** Memory at the end, in terms of what it was when a third of the time had passed. */
export async function watch(): Promise<void> {
  const admin = anyOf(admins)
  await wait(seconds * 1_000 * 0.33)
  const before = await residentBytes(admin)
  await wait(seconds * 1_000 * 0.62)
  growth.add((await residentBytes(admin)) / before)
}

export const handleSummary = handleSummaryOf(
  'Hours of more than memory holds, purged all the while: no wrong answer, no failure, and memory does not grow.',
)
