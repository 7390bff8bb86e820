import { check } from 'k6'
import { Counter, Rate } from 'k6/metrics'
import type { Options } from 'k6/options'
import { make } from '../lib/control.ts'
import { environment } from '../lib/environment.ts'
import { anyOf, bodyOf, get, purge, readiness } from '../lib/herdgate.ts'
import { READERS } from '../lib/readers.ts'
import { handleSummaryOf } from '../lib/summary.ts'
import { comesTrue, wait } from '../lib/wait.ts'

const { seconds, admins, nodes } = environment

const PATHS = Array.from({ length: 20 }, (_, number) => `/redis-outage/${number}`)

const hits = new Rate('cache_hit')
const wrong = new Counter('wrong_answers')

export const options: Options = {
  scenarios: {
    readers: READERS,
    outage: { executor: 'per-vu-iterations', startTime: `${seconds * 0.2}s`, exec: 'outage' },
  },
  thresholds: {
    'http_req_failed{scenario:readers}': ['rate==0'],
    cache_hit: ['rate>0.5'],
    wrong_answers: ['count==0'],
    checks: ['rate==1'],
  },
}

export async function setup(): Promise<void> {
  for (const node of nodes) for (const path of PATHS) await get(path, node)
}

export async function read(): Promise<void> {
  const path = anyOf(PATHS)
  const answer = await get(path)
  hits.add(answer.isHit)
  wrong.add(answer.body === bodyOf(path) ? 0 : 1)
}

export async function outage(): Promise<void> {
  const everywhere = (holds: (readiness: { status: number; body: string }) => boolean, withinMs: number) =>
    comesTrue(async () => (await Promise.all(admins.map(readiness))).every(holds), withinMs)
  const isDegraded = (body: string) => /"degraded": *\["/.test(body)

  await make('redis/stop')
  check(await everywhere(({ status, body }) => status === 200 && isDegraded(body), 30_000), {
    'nodes without Redis are ready, and say what they miss': (is) => is,
  })
  check(await purge('anything'), { 'a purge that cannot be logged is not acknowledged': (status) => status === 503 })
  await wait(seconds * 1_000 * 0.3)
  await make('redis/start')
  check(await everywhere(({ status, body }) => status === 200 && !isDegraded(body), 60_000), {
    'with Redis back they miss nothing': (is) => is,
  })
  check(await comesTrue(async () => (await purge('anything')) === 200, 60_000), {
    'and purges are acknowledged': (is) => is,
  })
}

export const handleSummary = handleSummaryOf(
  'A dead Redis costs nobody an answer, and no purge is acknowledged that could be lost.',
)
