import type { RequestListener } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { type Answer, get, type Origin, startOrigin } from '../support/http.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/waiting.ts'

const NODES = 4
const CLIENTS = 50
/** Long enough for all clients to arrive, even on a slow machine. */
const SLOW_MS = 3_000
/** A node that waits longer than this for Redis fetches on its own. */
const DEADLINE_MS = 20_000
/** If the fetching node stalls for seconds it is taken for dead and another one fetches, so tries are repeated. */
const ATTEMPTS = 4

let redis: RedisServer
let origin: Origin
let fleet: Fleet

async function start(handler: RequestListener): Promise<void> {
  origin = await startOrigin(handler)
  fleet = await startFleet(NODES, { origin: origin.url, redisPort: redis.port, deadlineMs: DEADLINE_MS })
}

beforeEach(async () => {
  redis = await startRedis()
})

afterEach(async () => {
  await fleet[Symbol.asyncDispose]()
  await origin.kill()
  await redis.stop()
})

/** Answers late, with the number of requests so far in the body. */
const slowly: RequestListener = (_request, response) => {
  const body = `answer ${origin.hits()}`
  setTimeout(() => response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end(body), SLOW_MS)
}

const url = (node: number, path: string) => `${fleet.nodes[node]?.herdgate.url}${path}`
const headers = { host: 'shop.test' }
const clientsOf = (node: number, path: string): Promise<Answer>[] =>
  Array.from({ length: CLIENTS }, () => get(url(node, path), { headers }))

describe(`${CLIENTS} clients at each of ${NODES} nodes on one cold key`, () => {
  test('make one origin request', async () => {
    await start(slowly)
    const asked: number[] = []
    while (asked.at(-1) !== 1 && asked.length < ATTEMPTS) {
      const before = origin.hits()
      const path = `/cold/${asked.length}`
      const answers = await Promise.all(fleet.nodes.flatMap((_, node) => clientsOf(node, path)))
      asked.push(origin.hits() - before)
      expect(answers).toHaveLength(NODES * CLIENTS)
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      if (asked.at(-1) === 1) expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    }
    expect(asked.at(-1), asked.join()).toBe(1)
  })

  test('make at most two if the fetching node is killed, and all are answered', async () => {
    await start(slowly)
    const asked: number[] = []
    for (let dies = 0; asked.at(-1) !== 2 && dies < NODES - 1; dies++) {
      const before = origin.hits()
      const path = `/cold/${dies}`
      const stranded = clientsOf(dies, path).map((answer) => answer.catch(() => undefined))
      await until(() => origin.hits() > before, 'the first request')
      const others = fleet.nodes.flatMap((_, node) => (node <= dies ? [] : clientsOf(node, path)))
      await fleet.nodes[dies]?.stop('SIGKILL')
      // As a load balancer would retry them.
      const again = (await Promise.all(stranded)).map((answer) => answer ?? get(url(dies + 1, path), { headers }))
      const answers = await Promise.all([...others, ...again])
      asked.push(origin.hits() - before)
      expect(asked.at(-1)).toBeLessThanOrEqual(NODES) // a lease holder that stalls is taken for dead as well
      expect(answers).toHaveLength((NODES - dies) * CLIENTS)
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      if (asked.at(-1) === 2)
        expect(new Set(answers.map(({ body }) => body))).toEqual(new Set([`answer ${before + 2}`]))
    }
    expect(asked.at(-1), asked.join()).toBe(2)
  })

  test('are answered individually if the response may not be shared', async () => {
    await start((request, response) => {
      const body = `for ${request.headers['x-user']}`
      setTimeout(() => response.writeHead(200, { 'Cache-Control': 'private, max-age=60' }).end(body), 300)
    })
    const users = Array.from({ length: NODES * CLIENTS }, (_, at) => `user-${at}`)
    const answers = await Promise.all(
      users.map((user, at) => get(url(at % NODES, '/cold'), { headers: { ...headers, 'x-user': user } })),
    )
    expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual(users.map((user) => `200 for ${user}`))
  })
})
