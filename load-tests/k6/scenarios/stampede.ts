import { check } from 'k6'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { environment } from '../lib/environment.ts'
import { bodyOf, get } from '../lib/herdgate.ts'
import { originRequestCounts } from '../lib/origin.ts'
import { handleSummaryOf } from '../lib/summary.ts'

const asked = new Counter('origin_requests')

export const options: Options = {
  scenarios: { herd: { executor: 'per-vu-iterations', vus: environment.users, iterations: 1 } },
  thresholds: {
    origin_requests: ['count==1'],
    checks: ['rate==1'],
    'http_req_failed{scenario:herd}': ['rate==0'],
    'iterations{scenario:herd}': [`count==${environment.users}`],
  },
}

interface Data {
  readonly path: string
}

/** A path that nobody has requested before. */
export const setup = (): Data => ({ path: `/stampede/${Date.now()}` })

export default async function ({ path }: Data): Promise<void> {
  check(await get(path), { 'everybody gets the answer': ({ body }) => body === bodyOf(path) })
}

export async function teardown({ path }: Data): Promise<void> {
  const { requests } = await originRequestCounts(path)
  asked.add(requests)
}

export const handleSummary = handleSummaryOf('However large the herd on a cold key, the origin is asked once.')
