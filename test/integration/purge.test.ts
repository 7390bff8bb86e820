import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get, type Origin, startOrigin } from '../support/http.ts'
import { until } from '../support/waiting.ts'

/*
 * Guarantee G1 over real sockets: a response whose fetch began before a purge or invalidation is never served to a
 * request that arrived after its acknowledgement. The deterministic form is test/cache/engine/purge-races.test.ts.
 */
let origin: Origin
let herdgate: Herdgate
/** Requests at the origin that wait for their answer, each with the version when it arrived. */
let waiting: { version: number; response: ServerResponse }[]
let version: number

const HEAD = { 'Cache-Control': 'max-age=60', 'Surrogate-Key': 'product' }

beforeEach(async () => {
  waiting = []
  version = 1
  origin = await startOrigin((_request, response) => void waiting.push({ version, response }))
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'warn'])
})

afterEach(async () => {
  await herdgate.stop()
  await origin.kill()
})

const next = async () => {
  await until(() => waiting.length > 0, 'a request at the origin')
  return waiting.shift()!
}

const BODIES: Record<string, () => object> = {
  tag: () => ({ tags: ['product'] }),
  url: () => ({ urls: [`${herdgate.url}/x/1`] }),
  prefix: () => ({ prefixes: [`${herdgate.url}/x`] }),
  all: () => ({ all: true }),
}

describe.each(['purge', 'invalidate'])('%s', (mode) => {
  test.each(Object.entries(BODIES))('by %s wins over a fetch in flight', async (_, body) => {
    const first = get(`${herdgate.url}/x/1`)
    const fill = await next()
    fill.response.writeHead(200, HEAD)
    fill.response.write('v1, first half; ')
    version = 2
    const purged = await herdgate.ask(`/v1/${mode}`, body())
    expect(purged).toMatchObject({ status: 200, body: { position: 1, nodes: { expected: 1, acked: 1 } } })

    const during = get(`${herdgate.url}/x/1`)
    const refill = await next()
    expect(refill.version).toBe(2)
    fill.response.end('second half')
    expect((await first).body).toBe('v1, first half; second half') // a client that was waiting before still gets it
    const after = get(`${herdgate.url}/x/1`)
    refill.response.writeHead(200, HEAD).end('v2')
    expect([(await during).body, (await after).body]).toEqual(['v2', 'v2'])
    expect((await get(`${herdgate.url}/x/1`)).cacheStatus).toContain('hit')
  })
})

test('under load no request that begins after a purge gets an answer from before it', async () => {
  const answering = setInterval(() => {
    for (const { version: made, response } of waiting.splice(0)) response.writeHead(200, HEAD).end(String(made))
  }, 5)
  try {
    let acknowledged = 1
    let wrong = 0
    const load = new AbortController()
    const client = async () => {
      while (!load.signal.aborted) {
        const least = acknowledged
        const { body } = await get(`${herdgate.url}/hot`)
        if (Number(body) < least) wrong++
      }
    }
    const clients = Array.from({ length: 8 }, client)
    for (let round = 0; round < 50; round++) {
      const made = ++version
      await herdgate.ask('/v1/purge/tags/product', {})
      acknowledged = made
    }
    load.abort()
    await Promise.all(clients)
    expect(wrong).toBe(0)
  } finally {
    clearInterval(answering)
  }
})
