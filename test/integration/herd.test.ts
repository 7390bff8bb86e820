import type { RequestListener } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { type Answer, get, type Origin, startOrigin } from '../support/http.ts'
import { until } from '../support/waiting.ts'

const CLIENTS = 500
const SLOW_MS = 1_000
const ATTEMPTS = 8

let origin: Origin
let herdgate: Herdgate

async function start(handler: RequestListener, flags: string[] = []): Promise<void> {
  origin = await startOrigin(handler)
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'warn', ...flags])
}

afterEach(async () => {
  await herdgate.stop()
  await origin.kill().catch(() => {})
})

const SHAREABLE = { 'Cache-Control': 'max-age=60' }

/** Answers after a second. */
const slowly: RequestListener = (_request, response) =>
  void setTimeout(() => response.writeHead(200, SHAREABLE).end('answer'), SLOW_MS)

/** Answers on demand, with the number of the request in the body. */
function whenTold(headers: Record<string, string>) {
  const held: (() => void)[] = []
  const listener: RequestListener = (_request, response) => {
    const body = `answer ${origin.hits()}`
    held.push(() => response.writeHead(200, headers).end(body))
  }
  return { held, listener, answerAll: () => held.splice(0).forEach((answer) => answer()) }
}

const herd = (path: string, clients = CLIENTS): Promise<Answer[]> =>
  Promise.all(Array.from({ length: clients }, () => get(`${herdgate.url}${path}`)))

const slowest = (answers: Answer[]): number => Math.max(...answers.map(({ totalMs }) => totalMs))

/** Waits until all clients wait for an answer, and the origin has their request. */
const allWait = (clients = CLIENTS): Promise<void> =>
  until(
    async () => (await herdgate.ask('/v1/stats')).body.waiting === clients && origin.hits() > 0,
    `${clients} clients to wait for the origin`,
  )

describe('500 clients on one cold key of a slow origin', () => {
  test('make one origin request, and Cache-Status says that they were collapsed', async () => {
    const { listener, answerAll } = whenTold(SHAREABLE)
    await start(listener)
    const herded = herd('/cold')
    await allWait()
    answerAll()
    const answers = await herded
    expect(origin.hits()).toBe(1)
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(['200 answer 1']))
    const collapsed = answers.filter(({ cacheStatus }) => cacheStatus.includes('collapsed')).length
    expect(collapsed).toBe(CLIENTS - 1)
  })

  /**
   * Or later if this machine is so busy that as many hits take a good part of the half second. It may also stall for
   * a while, which says nothing about Herdgate: one herd of several is enough.
   */
  test('are answered within 1.5 s', async () => {
    await start(slowly)
    await get(`${herdgate.url}/warm`)
    const late: string[] = []
    await until(
      async () => {
        const bound = SLOW_MS + Math.max(SLOW_MS / 2, 3 * slowest(await herd('/warm')))
        const before = origin.hits()
        const took = slowest(await herd(`/cold/${late.length}`))
        expect(origin.hits() - before).toBe(1)
        if (took >= bound) late.push(`${took} ms instead of ${bound}`)
        expect(late.length, late.join()).toBeLessThan(ATTEMPTS)
        return took < bound
      },
      'an answer in time',
      100_000,
    )
  })

  test.each([
    ['no-store', { 'Cache-Control': 'no-store' }],
    ['private', { 'Cache-Control': 'private, max-age=60' }],
    ['Set-Cookie', { 'Cache-Control': 'max-age=60', 'Set-Cookie': 'sid=1' }],
  ])('with %s each gets an answer of its own, and none waits for another', async (_, headers) => {
    const { held, listener, answerAll } = whenTold(headers)
    await start(listener)
    const answers = herd('/alone')
    await allWait()
    expect(held).toHaveLength(1)
    answerAll()
    // Once they know that the answer is not shareable, all the others fetch at once: none waits for another's answer.
    await until(() => held.length === CLIENTS - 1, 'a request at the origin for each of the others')
    answerAll()
    expect(new Set((await answers).map(({ body }) => body)).size).toBe(CLIENTS)
    const again = herd('/alone', 50)
    await until(() => held.length === 50, 'a request for each of the next, which have nothing to wait for')
    answerAll()
    expect(new Set((await again).map(({ body }) => body)).size).toBe(50)
  })

  test('share a failure of the origin instead of failing one after the other', async () => {
    const failing: (() => void)[] = []
    await start((request) => void failing.push(() => request.socket.destroy()))
    const herded = herd('/failing')
    await allWait()
    for (const fail of failing) fail()
    expect(new Set((await herded).map(({ status }) => status))).toEqual(new Set([502]))
    expect(origin.hits()).toBe(1)
  })

  test('get the answer even if the one that came first leaves', async () => {
    const { listener, answerAll } = whenTold(SHAREABLE)
    await start(listener)
    const leader = new AbortController()
    const left = get(`${herdgate.url}/leader`, { signal: leader.signal })
    left.catch(() => {})
    await until(() => origin.hits() === 1, 'the first request at the origin')
    const others = herd('/leader', 20)
    await allWait(21)
    leader.abort()
    await left.catch(() => {})
    answerAll()
    expect(new Set((await others).map(({ body }) => body))).toEqual(new Set(['answer 1']))
    expect(origin.hits()).toBe(1)
  })
})

describe('when the origin fails', () => {
  test('200 clients get the stale copy, marked stale-if-error, and fresh answers when the origin is back', async () => {
    let version = 1
    await start((_request, response) => response.writeHead(200, { 'Cache-Control': 'max-age=1' }).end(`v${version}`))
    expect((await get(`${herdgate.url}/x`)).body).toBe('v1')
    await until(isStale, 'the copy to be stale')
    await origin.kill()
    for (let round = 0; round < 3; round++) {
      const answers = await herd('/x', 200)
      expect(answers.every(({ status, body }) => status === 200 && body === 'v1')).toBe(true)
      expect(answers.every(({ cacheStatus }) => cacheStatus.includes('detail=stale-if-error'))).toBe(true)
    }
    version = 2
    await origin.start()
    await until(async () => (await get(`${herdgate.url}/x`)).body === 'v2', 'a fresh answer')
  })

  test('a stale copy with must-revalidate is not used', async () => {
    await start((_request, response) =>
      response.writeHead(200, { 'Cache-Control': 'max-age=1, must-revalidate' }).end('v1'),
    )
    await get(`${herdgate.url}/x`)
    await until(isStale, 'the copy to be stale')
    await origin.kill()
    expect((await get(`${herdgate.url}/x`)).status).toBe(502)
  })

  test('an origin that hangs is waited for only as long as softTimeout', async () => {
    let hang = false
    const waiting: (() => void)[] = []
    await start(
      (_request, response) => {
        const answer = () => response.writeHead(200, { 'Cache-Control': 'max-age=1' }).end(hang ? 'v2' : 'v1')
        if (hang) waiting.push(answer)
        else answer()
      },
      ['--soft-timeout', '200ms'],
    )
    await get(`${herdgate.url}/x`)
    await until(isStale, 'the copy to be stale')
    hang = true
    const answers = await herd('/x', 50)
    expect(answers.every(({ body, cacheStatus }) => body === 'v1' && cacheStatus.includes('detail=soft-timeout'))).toBe(
      true,
    )
    expect(slowest(answers)).toBeLessThan(20_000) // the origin has 30 s, and has answered nobody yet
    expect(waiting).not.toHaveLength(0)
    for (const answer of waiting) answer()
    await until(async () => (await get(`${herdgate.url}/x`)).body === 'v2', 'the refresh to have continued')
  })

  /** Whether the copy of /x is past its freshness lifetime, found out without a request for it. */
  async function isStale(): Promise<boolean> {
    const { body } = await herdgate.ask(`/v1/explain?url=${encodeURIComponent(`${herdgate.url}/x`)}`)
    return body.stored === undefined || body.stored.freshness.ttl < 0
  }
})
