import { check } from 'k6'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { make } from '../lib/control.ts'
import { environment } from '../lib/environment.ts'
import { anyOf, bodyOf, get } from '../lib/herdgate.ts'
import { READERS } from '../lib/readers.ts'
import { handleSummaryOf } from '../lib/summary.ts'

const { rate, seconds } = environment

const PATHS = Array.from({ length: 50 }, (_, number) => `/rolling/${number}`)

const wrong = new Counter('wrong_answers')

export const options: Options = {
  scenarios: {
    readers: READERS,
    restarts: { executor: 'per-vu-iterations', startTime: `${seconds * 0.1}s`, exec: 'restart' },
  },
  thresholds: {
    'http_req_failed{scenario:readers}': ['rate==0'],
    'iterations{scenario:readers}': [`count>=${Math.floor(rate * seconds * 0.8)}`],
    wrong_answers: ['count==0'],
    checks: ['rate==1'],
  },
}

/** Through the balancer. */
export async function read(): Promise<void> {
  const path = anyOf(PATHS)
  const answer = await get(path)
  wrong.add(answer.body === bodyOf(path) ? 0 : 1)
}

export async function restart(): Promise<void> {
  const began = Date.now()
  await make('nodes/0/restart')
  await make('nodes/1/restart')
  check(Date.now() - began, {
    'both nodes were restarted while requests came': (took) => took < seconds * 1_000 * 0.85,
  })
}

export const handleSummary = handleSummaryOf(
  'Nodes are restarted one after the other under load, and no request fails.',
)
