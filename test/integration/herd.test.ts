import type { RequestListener } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { type Answer, get, type Origin, startOrigin, until } from '../support/http.ts'

const CLIENTS = 500
const SLOW_MS = 1_000

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

/** Answers after a second, with the number of the request in the body. */
function slowly(headers: Record<string, string>, status = 200): RequestListener {
  let number = 0
  return (_request, response) => {
    const body = `answer ${++number}`
    setTimeout(() => response.writeHead(status, headers).end(body), SLOW_MS)
  }
}

const herd = (path: string, clients = CLIENTS): Promise<Answer[]> =>
  Promise.all(Array.from({ length: clients }, () => get(`${herdgate.url}${path}`)))

const slowest = (answers: Answer[]): number => Math.max(...answers.map(({ totalMs }) => totalMs))

/**
 * Milliseconds within which a herd is answered for which the origin is asked once: 1.5 s, or more where this machine is
 * so busy that as many hits take a good part of the half second.
 */
async function inTime(): Promise<number> {
  await get(`${herdgate.url}/warm`)
  return SLOW_MS + Math.max(SLOW_MS / 2, 3 * slowest(await herd('/warm')))
}

const stats = async (): Promise<{ waiting: number }> => (await herdgate.ask('/v1/stats')).body

describe('500 clients on one cold key of a slow origin', () => {
  test('are one origin request, answered within 1.5 s, and told so', async () => {
    await start(slowly({ 'Cache-Control': 'max-age=60' }))
    const bound = await inTime()
    const before = origin.hits()
    const answers = await herd('/cold')
    expect(origin.hits() - before).toBe(1)
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(['200 answer 2']))
    expect(slowest(answers)).toBeLessThan(bound)
    const collapsed = answers.filter(({ cacheStatus }) => cacheStatus.includes('collapsed')).length
    const hits = answers.filter(({ cacheStatus }) => cacheStatus.includes('hit')).length
    expect(collapsed + hits).toBe(CLIENTS - 1)
    expect(collapsed).toBeGreaterThan(CLIENTS / 2)
  })

  test.each([
    ['no-store', { 'Cache-Control': 'no-store' }],
    ['private', { 'Cache-Control': 'private, max-age=60' }],
    ['Set-Cookie', { 'Cache-Control': 'max-age=60', 'Set-Cookie': 'sid=1' }],
  ])('with %s each gets an answer of its own, and none waits for another', async (_, headers) => {
    const held: (() => void)[] = []
    await start((_request, response) => {
      const body = `answer ${origin.hits()}`
      held.push(() => response.writeHead(200, headers).end(body))
    })
    const answerAll = () => held.splice(0).forEach((answer) => answer())
    const answers = herd('/alone')
    await until(async () => (await stats()).waiting === CLIENTS, 'all to wait')
    expect(held).toHaveLength(1)
    answerAll()
    // One wait to learn that the answer is not for all, one for the own answer, and no third: nobody was answered yet.
    await until(() => held.length === CLIENTS - 1, 'a request at the origin for each of the others', 30_000)
    answerAll()
    expect(new Set((await answers).map(({ body }) => body)).size).toBe(CLIENTS)
    const again = herd('/alone', 50)
    await until(() => held.length === 50, 'a request for each of the next, who have nothing to learn')
    answerAll()
    expect(new Set((await again).map(({ body }) => body)).size).toBe(50)
  })

  test('of an origin that fails share its failure instead of failing one after the other', async () => {
    // A request that finds its connection, which had served before, closed would be sent a second time.
    const works = slowly({ 'Cache-Control': 'max-age=60', Connection: 'close' })
    await start((request, response) => {
      if (request.url === '/failing') setTimeout(() => request.socket.destroy(), SLOW_MS)
      else works(request, response)
    })
    const bound = await inTime()
    const before = origin.hits()
    const answers = await herd('/failing')
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([502]))
    expect(slowest(answers)).toBeLessThan(bound)
    expect(origin.hits() - before).toBe(1)
  })

  test('the one who came first may leave', async () => {
    await start(slowly({ 'Cache-Control': 'max-age=60' }))
    const leader = new AbortController()
    const left = get(`${herdgate.url}/leader`, { signal: leader.signal })
    left.catch(() => {})
    await until(() => origin.hits() === 1, 'the first request at the origin')
    const others = herd('/leader', 20)
    leader.abort()
    expect(new Set((await others).map(({ body }) => body))).toEqual(new Set(['answer 1']))
    expect(origin.hits()).toBe(1)
  })
})

describe('an origin that is killed under 200 clients', () => {
  test('is stood in for by the stale copy, which says so; and when it is back answers are fresh', async () => {
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
    await until(async () => (await get(`${herdgate.url}/x`)).body === 'v2', 'a fresh answer', 2_000)
  })

  test('must-revalidate is refused', async () => {
    await start((_request, response) =>
      response.writeHead(200, { 'Cache-Control': 'max-age=1, must-revalidate' }).end('v1'),
    )
    await get(`${herdgate.url}/x`)
    await until(isStale, 'the copy to be stale')
    await origin.kill()
    expect((await get(`${herdgate.url}/x`)).status).toBe(502)
  })

  test('an origin that hangs is waited for as long as softTimeout', async () => {
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
    expect(slowest(answers)).toBeLessThan(1_000)
    for (const answer of waiting) answer()
    await until(async () => (await get(`${herdgate.url}/x`)).body === 'v2', 'the refresh to have gone on')
  })

  /** Is the copy of /x past its lifetime? Asked without touching it. */
  async function isStale(): Promise<boolean> {
    const { body } = await herdgate.ask(`/v1/explain?url=${encodeURIComponent(`${herdgate.url}/x`)}`)
    return body.stored === undefined || body.stored.freshness.ttl < 0
  }
})
