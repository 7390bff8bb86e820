import { Counter, Rate, Trend } from 'k6/metrics'
import type { Options } from 'k6/options'
import { environment } from '../lib/environment.ts'
import { bodyOf, get } from '../lib/herdgate.ts'
import { originRequestCounts } from '../lib/origin.ts'
import { READERS } from '../lib/readers.ts'
import { handleSummaryOf } from '../lib/summary.ts'
import { zipf } from '../lib/zipf.ts'

const { rate, seconds, originDelayMs } = environment

/** Few enough that at least 19 of 20 requests are for one that has been fetched before. */
const RESOURCES = Math.ceil((rate * seconds) / 20)
const draw = zipf(RESOURCES)

const hits = new Rate('cache_hit')
const hitMs = new Trend('hit_duration', true)
const wrong = new Counter('wrong_answers')
const fetchedAgain = new Counter('fetched_again')

export const options: Options = {
  scenarios: {
    readers: READERS,
  },
  thresholds: {
    cache_hit: ['rate>0.9'],
    hit_duration: [`p(50)<${originDelayMs}`],
    wrong_answers: ['count==0'],
    fetched_again: ['count==0'],
    'http_req_failed{scenario:readers}': ['rate==0'],
    'iterations{scenario:readers}': [`count>=${Math.floor(rate * seconds * 0.8)}`],
  },
}

interface Data {
  readonly folder: string
}

export const setup = (): Data => ({ folder: `/steady/${Date.now()}/` })

export async function read({ folder }: Data): Promise<void> {
  const path = folder + draw(Math.random())
  const answer = await get(path)
  hits.add(answer.isHit)
  if (answer.isHit) hitMs.add(answer.ms)
  wrong.add(answer.body === bodyOf(path) ? 0 : 1)
}

export async function teardown({ folder }: Data): Promise<void> {
  const { requests, paths } = await originRequestCounts(folder)
  fetchedAgain.add(requests - paths)
}

export const handleSummary = handleSummaryOf(
  'Requests that come whenever they come, popular things more often (Zipf): each thing is fetched once, all else is hits, ' +
    'at least half of which are faster than the origin.',
)
