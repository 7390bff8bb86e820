import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isFullyReady, startHerdgate } from '../support/herdgate.ts'
import { get, type Origin, startOrigin } from '../support/http.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/waiting.ts'

let origin: Origin
let redis: RedisServer
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tiers-'))
  redis = await startRedis()
  origin = await startOrigin((request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=600', 'Surrogate-Key': 'all' })
    response.end(`content of ${request.url}`)
  })
})
afterAll(async () => {
  await origin.kill()
  await redis.stop()
  await rm(folder, { recursive: true })
})

let number = 0

/** A node with all its tiers working, and in sync with the log: before that it accepts no purge. */
async function startReady(flags: readonly string[]) {
  const herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'warn', ...flags])
  await until(() => isFullyReady(herdgate), 'ready')
  return herdgate
}

const onDisk = () => ['--disk', join(folder, `d${++number}`)]

/** With a deadline that a busy machine does not exceed: what is late counts as not stored. */
function inRedis(): string[] {
  const file = join(folder, `redis${++number}.yaml`)
  const settings = { url: redis.url, prefix: `p${number}`, deadline: '20s' }
  writeFileSync(file, JSON.stringify({ version: 1, store: { redis: settings } }))
  return ['--config', file]
}

const COMBINATIONS = [
  ['memory', () => []],
  ['memory and disk', onDisk],
  ['memory and Redis', inRedis],
  ['memory, disk and Redis', () => [...onDisk(), ...inRedis()]],
] satisfies [string, () => string[]][]

describe.each(COMBINATIONS)('%s', (name, flags) => {
  const outlives = name !== 'memory'

  test('answers, purges, and answers after a restart', async () => {
    const tiers = flags()
    const start = () => startReady(tiers)
    const first = await start()
    // The key includes host and port, and the port is another after the restart.
    const ask = (url: string, path: string) => get(`${url}${path}`, { headers: { Host: 'shop.test' } })
    expect(await ask(first.url, '/kept')).toMatchObject({ status: 200, body: 'content of /kept' })
    expect((await ask(first.url, '/kept')).cacheStatus).toContain('hit')
    await ask(first.url, '/purged')
    expect((await first.ask('/v1/purge', { urls: ['http://shop.test/purged'] })).status).toBe(200)
    expect((await ask(first.url, '/purged')).cacheStatus).toContain('fwd=uri-miss')
    const { tiers: held } = (await first.ask('/v1/stats')).body
    expect(held.map(({ tier }: { tier: string }) => tier)).toEqual(
      name.split(/, | and /).map((tier) => tier.toLowerCase()),
    )
    expect(await first.stop()).toBe(0)

    const second = await start()
    const asked = origin.hits()
    expect(await ask(second.url, '/kept')).toMatchObject({ status: 200, body: 'content of /kept' })
    expect(origin.hits() - asked).toBe(outlives ? 0 : 1)
    await second.stop()
  })

  test('a purge issued while a node is down is honoured when it is back', async () => {
    if (!outlives) return expect(flags()).toEqual([])
    const tiers = flags()
    const start = () => startReady(tiers)
    const ask = (url: string) => get(`${url}/gone`, { headers: { Host: 'shop.test' } })
    const first = await start()
    const second = await start()
    await ask(first.url)
    await first.stop('SIGKILL')
    const answer = await second.ask('/v1/purge', { tags: ['all'] })
    expect([200, 202]).toContain(answer.status)
    const third = await start()
    const asked = origin.hits()
    expect((await ask(third.url)).cacheStatus).toContain('fwd=')
    expect(origin.hits() - asked).toBe(1)
    await Promise.all([second.stop(), third.stop()])
  })
})

test('a tier that is down is reported, and requests are still answered', async () => {
  const own = await startRedis()
  const herdgate = await startReady(['--redis', own.url])
  expect((await herdgate.ask('/readyz')).body).toEqual({ status: 'ready' })
  await own.stop()
  for (let n = 0; n < 20; n++) expect((await get(`${herdgate.url}/${n}`)).status).toBe(200)
  await until(async () => (await herdgate.ask('/readyz')).body.degraded?.includes('redis'), 'Redis is reported')
  expect((await herdgate.ask('/v1/purge', { all: true })).status).toBe(503)
  await herdgate.stop()
})
