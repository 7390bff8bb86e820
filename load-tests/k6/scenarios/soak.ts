import { Counter, Gauge, Trend } from 'k6/metrics'
import type { Options } from 'k6/options'
import { environment } from '../lib/environment.ts'
import { anyOf, bodyOf, get, processState, purge } from '../lib/herdgate.ts'
import { READERS } from '../lib/readers.ts'
import { slopeOf } from '../lib/slope.ts'
import { handleSummaryOf } from '../lib/summary.ts'
import { wait } from '../lib/wait.ts'
import { zipf } from '../lib/zipf.ts'

const { seconds, admins } = environment

/** The large resources, of 16 KiB each, exceed the nodes' memory, so that some are always being evicted. */
const draw = zipf(20_000)
/** Requests in a hundred for each kind: small and fresh for an hour, large, fresh for a second. */
const SHARES = { small: 70, large: 25, brief: 5 } as const
const PURGED_EVERY_MS = 2_000
const LOOKED_EVERY_MS = 5_000
/**
 * Share of the run until memory is full, code is compiled, the store knows what is popular, and the heaps of V8 and
 * malloc have reached their size: malloc's grows in steps for a quarter of an hour, the last of them under half a MiB.
 * The rest has to be long compared with the minutes between two major collections, or their timing is measured.
 */
const WARM_UP = 1 / 3
const MEBIBYTE = 2 ** 20

const wrong = new Counter('wrong_answers')
const memory = new Trend('resident_mib')
/** Of resident memory, in MiB per 10 minutes. */
const slope = new Gauge('memory_slope')
const loop = new Trend('event_loop_p99_ms')

export const options: Options = {
  scenarios: {
    readers: READERS,
    purges: { executor: 'constant-vus', vus: 1, duration: `${seconds}s`, exec: 'purgeSome' },
    watch: { executor: 'per-vu-iterations', maxDuration: `${seconds * 2}s`, exec: 'watch' },
  },
  thresholds: {
    memory_slope: ['value<1'],
    event_loop_p99_ms: ['p(95)<20'],
    wrong_answers: ['count==0'],
    'http_req_failed{scenario:readers}': ['rate==0'],
    'http_req_failed{scenario:purges}': ['rate==0'],
  },
}

export async function read(): Promise<void> {
  const path = `/${folder()}/soak/${draw(Math.random())}`
  const { body } = await get(path)
  wrong.add(body.startsWith(bodyOf(path)) ? 0 : 1)
}

function folder(): keyof typeof SHARES {
  const drawn = Math.random() * 100
  if (drawn < SHARES.small) return 'small'
  return drawn < SHARES.small + SHARES.large ? 'large' : 'brief'
}

export async function purgeSome(): Promise<void> {
  await purge('brief')
  await wait(PURGED_EVERY_MS)
}

/** Samples memory and event loop every few seconds, once warm. */
export async function watch(): Promise<void> {
  const admin = anyOf(admins)
  const [warmAt, endsAt] = [Date.now() + seconds * 1_000 * WARM_UP, Date.now() + seconds * 1_000]
  await wait(warmAt - Date.now())
  await processState(admin) // discards the lag measured before
  const points: { at: number; value: number }[] = []
  while (Date.now() < endsAt) {
    await wait(LOOKED_EVERY_MS)
    const { residentBytes, eventLoopP99Ms } = await processState(admin)
    points.push({ at: Date.now() / 600_000, value: residentBytes / MEBIBYTE })
    memory.add(residentBytes / MEBIBYTE)
    loop.add(eventLoopP99Ms)
  }
  slope.add(slopeOf(points))
}

export const handleSummary = handleSummaryOf(
  'A mixed load of more than memory holds, purged all the while: no wrong answer, no failure, memory does not grow, and the ' +
    'event loop stays free.',
)
