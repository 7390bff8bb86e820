import { expect, test } from 'vitest'
import { fieldsOf } from '../../../src/fields.ts'
import { world } from '../../support/world.ts'

test.each<[what: string, method: string, headers: Record<string, string>, decision: string, why: string]>([
  ['has passed here before', 'GET', { Via: '1.1 herdgate' }, 'error', 'loop'],
  ['names Cookie in Connection', 'GET', { Connection: 'Cookie', Cookie: 'a=b' }, 'error', 'malformed_request'],
  ['may go no further', 'OPTIONS', { 'Max-Forwards': '0' }, 'pass', 'max-forwards'],
  ['may go no further', 'TRACE', { 'Max-Forwards': '0' }, 'error', 'method_not_allowed'],
])('what explain says of one that %s is what its answer says (%s)', async (_what, method, headers, decision, why) => {
  const { cache, ask, get, origin } = world()
  origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60' } }))
  await get('/x')
  const explained = await cache.explain({ method, url: 'http://a.test/x', fields: fieldsOf(headers) })
  expect(explained).toMatchObject({ decision, why })
  expect(explained).not.toHaveProperty('stored')
  expect(await ask('/x', headers, { method })).toMatchObject({ outcome: { result: decision, detail: why } })
  expect(origin.requests).toHaveLength(1)
})
