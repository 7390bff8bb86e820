import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get, type Origin, startOrigin } from '../support/http.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/waiting.ts'

const KEYS = 20
const CLIENTS = 10
const REQUESTS_EACH = 60

const contentOf = (path: string): string => `content of ${path} `.repeat(20)

let folder: string
let redis: RedisServer
let origin: Origin

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'herdgate-chaos-'))
  redis = await startRedis()
  origin = await startOrigin(({ url = '/', headers }, response) => {
    response.setHeader('Cache-Control', 'max-age=0')
    response.setHeader('ETag', '"1"')
    if (headers['if-none-match'] === '"1"') response.writeHead(304).end()
    else response.end(contentOf(url))
  })
})

afterAll(async () => {
  await origin?.kill()
  await redis?.stop()
  rmSync(folder, { recursive: true })
})

function start(chaos: string): Promise<Herdgate> {
  const file = join(folder, 'herdgate.yaml')
  writeFileSync(
    file,
    `version: 1
origins: { api: { urls: ["${origin.url}"] } }
store: { redis: { url: "${redis.url}" } }
chaos: { seed: 3, ${chaos} }
`,
  )
  return startHerdgate(['--config', file, '--chaos'])
}

const pathOf = (turn: number): string => `/item/${turn % KEYS}`

/** Asks until every key has a copy: without one there is nothing to fall back to when the origin fails. */
async function prime({ url }: Herdgate): Promise<void> {
  for (let key = 0; key < KEYS; key++) {
    const isAnswered = async () => (await get(url + pathOf(key)).catch(() => undefined))?.status === 200
    await until(isAnswered, `a copy of ${pathOf(key)}`)
  }
}

describe('a node with injected faults', () => {
  test('gives every client the right answer while Redis fails, and the origin too where there is a copy', async () => {
    await using herdgate = await start('store: { redis: { errorRate: 0.3 } }, origins: { api: { errorRate: 0.05 } }')
    await prime(herdgate)
    const wrong: string[] = []
    const client = async (number: number) => {
      for (let turn = 0; turn < REQUESTS_EACH; turn++) {
        const path = pathOf(number * 7 + turn)
        const { status, body, cacheStatus } = await get(herdgate.url + path)
        if (status !== 200 || body !== contentOf(path)) wrong.push(`${path}: ${status} ${cacheStatus}`)
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
    expect(wrong).toEqual([])
    // Otherwise no faults were injected.
    expect(await counted(herdgate, /origin_requests_total\{.*code="(?![23])/)).toBeGreaterThan(0)
    expect(await counted(herdgate, /store_operations_total\{.*outcome="error"/, 'tier="redis"')).toBeGreaterThan(0)
  })

  test('is ready, and says that it is degraded on purpose', async () => {
    await using herdgate = await start('origins: { api: {} }')
    await until(async () => (await herdgate.ask('/readyz')).status === 200, 'readiness')
    const { body } = await herdgate.ask('/readyz')
    expect(body.degraded).toContain('chaos')
    expect(herdgate.lines.some((line) => line.includes('chaos is on'))).toBe(true)
  })

  test('does not acknowledge a purge that Redis does not accept, and still answers clients', async () => {
    await using herdgate = await start('store: { redis: { errorRate: 1 } }')
    await prime(herdgate)
    const { status } = await herdgate.ask('/v1/purge', { all: true })
    expect(status).toBe(503)
    expect(await get(herdgate.url + pathOf(0))).toMatchObject({ status: 200, body: contentOf(pathOf(0)) })
  })

  test('fetches again a copy that is damaged in Redis, if it has none of its own', async () => {
    const faults = 'store: { redis: { corruption: 1 } }'
    await using one = await start(faults)
    await using other = await start(faults)
    const headers = { host: 'shop.example' }
    let turn = 0
    await until(async () => {
      const path = `/damaged/${turn++}`
      for (const { url } of [one, other]) {
        expect(await get(url + path, { headers })).toMatchObject({ status: 200, body: contentOf(path) })
      }
      return (await counted(other, /store_operations_total\{.*outcome="error"/, 'tier="redis"')) > 0
    }, 'damage was found')
  })

  test('answers 504 for an unreachable origin where there is no copy', async () => {
    const chaos = 'origins: { api: { partition: { every: 1h, for: 3599.999s } } }'
    await using herdgate = await start(chaos)
    const { status } = await get(`${herdgate.url}/none`)
    expect(status).toBe(504)
  })
})

/** The sum of the samples whose line matches `pattern` and contains `text`. */
async function counted({ ask }: Herdgate, pattern: RegExp, text = ''): Promise<number> {
  const { body } = await ask('/metrics')
  const lines = String(body)
    .split('\n')
    .filter((line) => pattern.test(line) && line.includes(text))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
