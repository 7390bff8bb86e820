import { expect, test } from 'vitest'
import { createTraffic, pathFor } from '../../src/demo/traffic.ts'
import { FakeClock } from '../support/fake-clock.ts'

function rig(answer: () => Promise<Response> = async () => new Response('x')) {
  const clock = new FakeClock()
  const asked: { url: string; signal: AbortSignal }[] = []
  const traffic = createTraffic({
    url: () => 'http://data',
    clock,
    random: () => 0.1,
    fetch: async (url, { signal }) => (asked.push({ url, signal }), answer()),
  })
  return { clock, asked, traffic }
}

test('there are no visitors until started, then the requested number per second', async () => {
  const { clock, asked, traffic } = rig()
  await clock.advance(2_000)
  expect(asked).toEqual([])
  traffic.set(5)
  await clock.advance(2_000)
  expect(asked.length).toBe(10)
  traffic.set(0)
  await clock.advance(5_000)
  expect(asked.length).toBe(10)
  traffic.set(20)
  await clock.advance(1_000)
  expect(asked.length).toBe(30)
})

test('if no request is answered, the number of waiting visitors is limited', async () => {
  const { clock, asked, traffic } = rig(() => new Promise(() => {}))
  traffic.set(200)
  await clock.advance(60_000)
  expect(asked.length).toBe(400)
})

test('stopping ends visits in progress, and sends no more', async () => {
  const { clock, asked, traffic } = rig(() => new Promise(() => {}))
  traffic.set(10)
  await clock.advance(1_000)
  traffic.stop()
  traffic.set(10)
  await clock.advance(5_000)
  expect(asked.length).toBe(10)
  expect(asked.every(({ signal }) => signal.aborted)).toBe(true)
})

test('visitors request everything, and a few products most', () => {
  let seed = 1
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
  const wanted = new Map<string, number>()
  for (let at = 0; at < 20_000; at++) {
    const path = pathFor(random)
    wanted.set(path, (wanted.get(path) ?? 0) + 1)
  }
  for (const path of ['/', '/swr', '/sie', '/flaky', '/account', '/no-store', '/search?q=lamp', '/products/150']) {
    expect([path, wanted.has(path)]).toEqual([path, true])
  }
  expect(wanted.get('/products/1')).toBeGreaterThan(20 * (wanted.get('/products/150') ?? 0))
})
