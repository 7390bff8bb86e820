import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { field } from '../../../src/fields.ts'
import { world } from '../../support/world.ts'

const KEY = { sortQuery: false, ignoreQuery: [], headers: ['x-tenant'], cookies: [] }

/** An origin that answers by tenant. */
function tenants(changes: Parameters<typeof world>[0] = {}, vary?: string) {
  const made = world(changes)
  made.origin.script((request) => ({
    headers: { 'Cache-Control': 'max-age=60', 'Content-Location': '/', ...(vary !== undefined && { Vary: vary }) },
    body: `for ${field(request.fields, 'x-tenant') ?? 'nobody'}`,
  }))
  return made
}

const SELECTING: readonly [string, Parameters<typeof world>[0], string | undefined][] = [
  ['part of the key', { key: KEY }, undefined],
  ['named by Vary', {}, 'X-Tenant'],
]

it.each(SELECTING)(
  'a field that Connection removes on the way to the origin selects no copy: it is %s',
  async (_, rules, vary) => {
    const { get } = tenants(rules, vary)
    const attack = await get('/', { 'X-Tenant': 'victim', Connection: 'X-Tenant' })
    expect(attack.body).toBe('for nobody')
    expect((await get('/', { 'X-Tenant': 'victim' })).body).toBe('for victim')
    expect((await get('/', { 'X-Tenant': 'victim' })).result).toBe('hit')
  },
)

it.each(SELECTING)('nor does the answer to a POST become its copy: it is %s', async (_, rules, vary) => {
  const { get } = tenants(rules, vary)
  const post = { method: 'POST', body: Readable.from([Buffer.from('x')]) }
  expect((await get('/', { 'X-Tenant': 'victim', Connection: 'X-Tenant' }, post)).body).toBe('for nobody')
  expect((await get('/', { 'X-Tenant': 'victim' })).body).toBe('for victim')
})

it.each([
  ['x_tenant', 'X_Tenant', { key: { ...KEY, headers: ['x_tenant'] } }, undefined],
  ['x_tenant', 'x_tenant', {}, 'X_Tenant'],
  ["x'tenant", 'X-Tenant', {}, "X'Tenant"],
])('%s, which Connection names as %s, selects no copy either', async (name, named, rules, vary) => {
  const { origin, get } = world(rules)
  origin.script((request) => ({
    headers: { 'Cache-Control': 'max-age=60', ...(vary !== undefined && { Vary: vary }) },
    body: `for ${field(request.fields, name) ?? 'nobody'}`,
  }))
  expect((await get('/', { [name]: 'victim', Connection: named })).body).toBe('for nobody')
  expect((await get('/', { [name]: 'victim' })).body).toBe('for victim')
})

it('a Connection field that names no field of the request does not keep it from the cache', async () => {
  const { get } = tenants()
  await get('/', { Connection: 'keep-alive, x-other' })
  expect((await get('/', { Connection: 'close' })).result).toBe('hit')
})
