import { expect, it } from 'vitest'
import { lines } from '../../../src/fields.ts'
import { world } from '../../support/world.ts'

const keyedBy = (name: string) => ({ key: { sortQuery: false, ignoreQuery: [], headers: [name], cookies: [] } })

/** An origin like CGI, which reads "_" in a name as "-" and joins what then has the same name. */
function gateway(name: string, rules: Parameters<typeof world>[0], vary: string | undefined) {
  const made = world(rules)
  made.origin.script((request) => {
    const read = [...lines(request.fields)].filter(([spelled]) => spelled.replaceAll('_', '-') === name)
    return {
      headers: { 'Cache-Control': 'max-age=60', ...(vary !== undefined && { Vary: vary }) },
      body: `for ${read.map(([, value]) => value).join()}`,
    }
  })
  return made
}

it.each([
  ['x-tenant', 'X_Tenant', {}, 'X-Tenant'],
  ['x-tenant', 'X_Tenant', keyedBy('x-tenant'), undefined],
  ['x-tenant', 'X-Tenant', keyedBy('x_tenant'), undefined],
  ['accept-encoding', 'Accept_Encoding', {}, 'Accept-Encoding'],
  ['accept-language', 'accept_language', {}, 'Accept-Language'],
  ['sec-ch-ua', 'Sec-CH_UA', {}, 'Sec-CH-UA'],
])(
  'an answer that an origin may have selected by %s, spelled as %s, is given to no other client',
  async (name, spelled, rules, vary) => {
    const { get } = gateway(name, rules, vary)
    const usual = spelled === 'X-Tenant' ? 'x_tenant' : name
    await get('/', { [usual]: 'gzip', [spelled]: 'evil' })
    expect((await get('/', { [usual]: 'gzip' })).body).toBe('for gzip')
    expect((await get('/', { [usual]: 'gzip' })).result).toBe('hit')
    await get('/', { [spelled]: 'evil' })
    expect((await get('/')).body).toBe('for ')
  },
)

it('a field that is sent in several spellings selects the answer to all of them', async () => {
  const { get } = gateway('x-tenant', {}, 'X-Tenant')
  const both = { 'X-Tenant': 'a', X_Tenant: 'b' }
  await get('/', both)
  expect((await get('/', both)).result).toBe('hit')
  expect((await get('/', { ...both, X_Tenant: 'c' })).body).toBe('for a,c')
  expect((await get('/', { 'X-Tenant': 'a,b' })).result).not.toBe('hit')
})

it('preferences reach the origin only in their usual spelling', async () => {
  const { origin, get } = world()
  origin.script(() => ({ body: 'ok' }))
  await get('/', { Accept: 'a/b', 'Accept-Encoding': 'gzip', Accept_Encoding: 'br', 'Accept.Language': 'de' })
  const names = [...lines(origin.requests[0]?.fields ?? [])].map(([name]) => name)
  expect(names.filter((name) => name.startsWith('accept'))).toEqual(['accept', 'accept-encoding'])
})
