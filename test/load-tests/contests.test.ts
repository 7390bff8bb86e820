import { beforeEach, describe, expect, test, vi } from 'vitest'
import { runContests } from '../../load-tests/peers/contests.ts'
import { OWN_HIT, type Peer, type Role } from '../../load-tests/peers/servers.ts'
import { WARM_TURNS } from '../../load-tests/peers/scenarios.ts'

beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}))

/** Beyond all Linux PIDs, so that no process is suspended. */
const NOBODY = 2 ** 23

function peer(name: string, role: Role, at: number): Peer {
  const server = { pid: NOBODY + at, urls: [], [Symbol.asyncDispose]: async () => {} }
  return { name, role, port: 0, server: server as unknown as Peer['server'], isCompiling: false }
}

const herdgate = peer('Herdgate', 'cache', 0)
const others = [peer('nginx', 'cache', 1), peer('C loop', 'bytes', 2), peer('bare proxy', 'proxy', 3)]

/** All steps in order, and the result. The `faulty` measurement fails. */
async function run(rounds: number, faulty = '', starts = 1) {
  const done: string[] = []
  const measured = runContests({
    starts,
    rounds,
    start: async (scope) => {
      done.push('start')
      scope.defer(() => void done.push('stop'))
      return [herdgate, ...others]
    },
    interrupted: new AbortController().signal,
    warm: async ({ name }, scenario, turn) => void done.push(`warm ${turn} ${scenario.name} ${name}`),
    measure: async ({ name }, scenario) => {
      done.push(`${scenario.name} ${name}`)
      if (`${scenario.name} ${name}` === faulty) throw new Error('the origin was asked')
      return { microseconds: done.length, requestsPerSecond: 0, p99Ms: 0 }
    },
  })
  return { done, ...(await measured) }
}

describe('every server', () => {
  test('is started again for its share of the rounds, and warmed up again', async () => {
    const { done, results } = await run(5, '', 2)
    const course = done.filter((each) => /^(?:start|stop|warm 1 miss bare proxy|miss bare proxy)$/.test(each))
    const [warm, miss] = ['warm 1 miss bare proxy', 'miss bare proxy']
    expect(course).toEqual(['start', warm, miss, miss, 'stop', 'start', warm, miss, miss, miss, 'stop'])
    expect(results.get('miss')?.get('bare proxy')).toHaveLength(5)
  })

  test('is measured right beside Herdgate in its scenarios, taking turns at going first', async () => {
    const { done, results } = await run(2)
    const hits = done.filter((each) => each.startsWith('hit-1k')).map((each) => each.slice('hit-1k '.length))
    const beside304 = ['Herdgate'] // its own hit
    const first = ['nginx', 'Herdgate', 'C loop', 'Herdgate', ...beside304]
    expect(hits).toEqual([...first, 'Herdgate', 'C loop', 'Herdgate', 'nginx', ...beside304])
    expect([...(results.get('hit-1k')?.keys() ?? [])]).toEqual(['nginx', 'C loop'])
    expect([...(results.get('miss')?.keys() ?? [])].toSorted()).toEqual(['bare proxy', 'nginx'])
    for (const contests of results.values()) {
      for (const pairs of contests.values()) {
        expect(pairs).toHaveLength(2)
        expect(pairs.map(({ ours, theirs }) => ours.microseconds - theirs.microseconds)).toEqual([1, -1])
      }
    }
  })

  test('is warmed up in all its scenarios before the first measurement', async () => {
    const { done } = await run(1)
    const last = done.findLastIndex((each) => each.startsWith('warm'))
    const first = done.findIndex((each) => each !== 'start' && !each.startsWith('warm'))
    expect(last).toBeLessThan(first)
    expect(done.filter((each) => each === `warm ${WARM_TURNS} miss bare proxy`)).toHaveLength(1)
    expect(done.filter((each) => each.startsWith('warm') && each.endsWith(' heads C loop'))).toHaveLength(WARM_TURNS)
  })
})

test("a 304 is compared with Herdgate's own hit", async () => {
  const { results } = await run(3)
  expect(results.get('not-modified')?.get(OWN_HIT)).toHaveLength(3)
  expect(results.get('hit-1k')?.has(OWN_HIT)).toBe(false)
})

test('a server with wrong answers is left out of that scenario, and named', async () => {
  const { done, results, faults } = await run(2, 'heads nginx')
  expect(faults).toEqual(['nginx is left out of heads after round 1: the origin was asked.'])
  expect([...(results.get('heads')?.keys() ?? [])]).toEqual(['C loop'])
  expect(results.get('hit-1k')?.get('nginx')).toHaveLength(2)
  expect(done.filter((each) => each === 'heads nginx')).toHaveLength(1)
})

test('a server that was left out stays out after the next start', async () => {
  const { done, results, faults } = await run(2, 'heads nginx', 2)
  expect(faults).toEqual(['nginx is left out of heads after round 1: the origin was asked.'])
  expect([...(results.get('heads')?.keys() ?? [])]).toEqual(['C loop'])
  expect(done.filter((each) => each === 'warm 1 heads nginx')).toHaveLength(1)
})

test('an error of Herdgate ends the run', async () => {
  await expect(run(1, 'hit-1k Herdgate')).rejects.toThrow('the origin was asked')
})
