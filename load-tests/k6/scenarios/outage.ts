import { check } from 'k6'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { make } from '../lib/control.ts'
import { environment } from '../lib/environment.ts'
import { anyOf, bodyOf, get } from '../lib/herdgate.ts'
import { READERS } from '../lib/readers.ts'
import { handleSummaryOf } from '../lib/summary.ts'
import { comesTrue, wait } from '../lib/wait.ts'

const { seconds } = environment

/** Resources that are fresh for a second. */
const PATHS = Array.from({ length: 20 }, (_, number) => `/brief/outage/${number}`)

const stale = new Counter('stale_answers')
const wrong = new Counter('wrong_answers')

export const options: Options = {
  scenarios: {
    readers: READERS,
    outage: { executor: 'per-vu-iterations', startTime: `${seconds * 0.2}s`, exec: 'outage' },
  },
  thresholds: {
    'http_req_failed{scenario:readers}': ['rate==0'],
    stale_answers: ['count>0'],
    wrong_answers: ['count==0'],
    checks: ['rate==1'],
  },
}

export async function setup(): Promise<void> {
  for (const path of PATHS) await get(path)
}

export async function read(): Promise<void> {
  const path = anyOf(PATHS)
  const answer = await get(path)
  stale.add(answer.isStale ? 1 : 0)
  wrong.add(answer.body === bodyOf(path) ? 0 : 1)
}

/** Lasts longer than anything is fresh. */
export async function outage(): Promise<void> {
  await make('origin/stop')
  await wait(seconds * 1_000 * 0.4)
  await make('origin/start')
}

export async function teardown(): Promise<void> {
  const isFresh = async () => !(await get(PATHS[0] ?? '')).isStale
  check(await comesTrue(isFresh, 20_000), { 'what the origin has is fresh again once it is back': (is) => is })
}

export const handleSummary = handleSummaryOf(
  'While the origin is dead everybody gets the last good answer, marked as stale; nobody gets an error.',
)
