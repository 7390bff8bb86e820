import { check } from 'k6'
import type { Options } from 'k6/options'
import { environment } from '../lib/environment.ts'
import { bodyOf, get, purge } from '../lib/herdgate.ts'
import { change, originRequestCounts } from '../lib/origin.ts'
import { handleSummaryOf } from '../lib/summary.ts'

export const options: Options = {
  scenarios: { visitor: { executor: 'per-vu-iterations', vus: 1, iterations: 1 } },
  thresholds: { checks: ['rate==1'], http_req_failed: ['rate==0'] },
}

export default async function (): Promise<void> {
  const path = `/smoke/${Date.now()}`

  const miss = await get(path)
  check(miss, {
    'a first answer comes from the origin': ({ status, isHit }) => status === 200 && !isHit,
    'it says why it was fetched, and that it is kept': ({ cacheStatus }) => /fwd=uri-miss.*stored/.test(cacheStatus),
  })

  const hit = await get(path)
  check(hit, {
    'the next is the same, from memory': ({ isHit, body }) => isHit && body === bodyOf(path),
    'it has an age': ({ age }) => age !== undefined && age >= 0,
  })
  // The machine may have stalled during one of them.
  let fastest = hit.ms
  for (let again = 0; again < 5 && fastest >= environment.originDelayMs; again++)
    fastest = Math.min(fastest, (await get(path)).ms)
  check(fastest, { 'it is faster than the origin': (ms) => ms < environment.originDelayMs })

  const version = await change(path)
  check(await purge('smoke'), { 'a purge is acknowledged': (status) => status === 200 })
  check(await get(path), { 'then the new version is fetched': (answer) => answer.body === bodyOf(path, version) })
  check(await originRequestCounts(path), { 'the origin was asked twice in all': ({ requests }) => requests === 2 })
}

export const handleSummary = handleSummaryOf(
  'What a visitor sees is what the documentation says: a miss, a hit, a purge.',
)
