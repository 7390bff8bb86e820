/** `cache.handle` as an application without Fastify calls it. */
import { expect, test } from 'vitest'
import { createCache, createOrigin, defaultRules } from '../../src/index.ts'
import { startOrigin } from '../support/http.ts'

test('an origin needs no clock from the caller, and rules need only what differs from the defaults', async () => {
  const origin = await startOrigin((_, response) => void response.end('of the origin'))
  const pool = createOrigin({ name: 'api', urls: [origin.url] })
  const rules = { ...defaultRules, ttl: 60_000 }
  const cache = createCache({ routes: [{ name: 'all', match: {}, origin: pool, rules }] })
  const ask = async () => {
    const reply = await cache.handle({ method: 'GET', url: 'http://shop.example/x', fields: [] })
    const octets = await reply.body?.read().next()
    return { status: reply.status, result: reply.outcome.result, content: octets?.toString() }
  }
  expect(await ask()).toEqual({ status: 200, result: 'miss', content: 'of the origin' })
  expect(await ask()).toEqual({ status: 200, result: 'hit', content: 'of the origin' })
  await cache.close()
  await pool.close()
  await origin.kill()
})
