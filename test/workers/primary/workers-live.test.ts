import { expect, test } from 'vitest'
import type { Statistics } from '../../../src/cache/statistics.ts'
import { MAX_WATCHERS, type Snapshot } from '../../../src/live/live.ts'
import { WorkersLive } from '../../../src/workers/primary/workers-live.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const NONE = { hit: 0, stale: 0, stale_if_error: 0, revalidated: 0, collapsed: 0, miss: 0, pass: 0, error: 0, shed: 0 }
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is counted does not matter here
const STATS = { waiting: 7 } as Statistics

const snapshot = (more: Partial<Snapshot> = {}): Snapshot => ({
  at: 1,
  elapsedMs: 1_000,
  stats: STATS,
  synced: true,
  requests: { ...NONE, hit: 1 },
  latency: { boundsMs: [1, 2], hit: [1, 0, 0], miss: [0, 0, 1] },
  herd: { waiting: 2, fetching: 1 },
  origins: [{ origin: 'api', inFlight: 1, queued: 0, requests: 1, failures: 0, meanMs: 10 }],
  evictions: [{ tier: 'memory', reason: 'size', count: 3 }],
  recent: [],
  ...more,
})

const A = {}
const B = {}

function rig() {
  const clock = new FakeClock()
  const wanted: boolean[] = []
  const live = new WorkersLive({ clock, stats: () => STATS, setWatched: (want) => wanted.push(want) })
  const seen: Snapshot[] = []
  return { clock, wanted, live, seen, watch: () => live.watch((sum) => void seen.push(sum)) }
}

test('reports of workers within a second are combined in one snapshot', async () => {
  const { clock, live, seen, watch } = rig()
  watch()
  live.add(A, snapshot())
  const slower = { origin: 'api', inFlight: 0, queued: 2, requests: 3, failures: 1, meanMs: 30 }
  live.add(B, snapshot({ at: 5, synced: false, origins: [slower], requests: { ...NONE, miss: 4 } }))
  await clock.advance(1_000)
  expect(seen).toEqual([
    {
      at: 5,
      elapsedMs: 1_000,
      stats: STATS,
      synced: false,
      requests: { ...NONE, hit: 1, miss: 4 },
      latency: { boundsMs: [1, 2], hit: [2, 0, 0], miss: [0, 0, 2] },
      herd: { waiting: 4, fetching: 2 },
      origins: [{ origin: 'api', inFlight: 1, queued: 2, requests: 4, failures: 1, meanMs: 25 }],
      evictions: [{ tier: 'memory', reason: 'size', count: 6 }],
      recent: [],
    },
  ])
})

test('workers report only while there are watchers, including workers that start later', async () => {
  const { clock, wanted, live, seen, watch } = rig()
  live.add(A, snapshot())
  const leave = watch()
  await clock.advance(2_000)
  expect(wanted).toEqual([true, true, true])
  expect(seen).toEqual([])
  leave?.()
  leave?.()
  await clock.advance(2_000)
  expect(wanted).toEqual([true, true, true, false])
  expect(MAX_WATCHERS).toBe(Array.from({ length: MAX_WATCHERS }, watch).filter((given) => given !== undefined).length)
  expect(watch()).toBeUndefined()
})

test('two reports of a worker within a second are not added up: the later one goes into the next snapshot, or one of its own', async () => {
  const { clock, live, seen, watch } = rig()
  watch()
  for (const worker of [A, A, B]) live.add(worker, snapshot())
  await clock.advance(1_000)
  live.add(B, snapshot())
  await clock.advance(1_000)
  expect(seen.map(({ herd, requests }) => [herd.waiting, requests.hit])).toEqual([
    [4, 2],
    [4, 2],
  ])
  for (const worker of [A, A, A, B]) live.add(worker, snapshot())
  await clock.advance(1_000)
  expect(seen.slice(2).map(({ herd, requests }) => [herd.waiting, requests.hit])).toEqual([
    [4, 2],
    [2, 1],
  ])
})
