import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { field } from '../../../src/fields.ts'
import type { Peer } from '../../../src/model.ts'
import { world } from '../../support/world.ts'

const untrusted: Peer = { address: '127.0.0.2', trusted: false }
const proxy: Peer = { address: '127.0.0.1', trusted: true }

const keyedBy = (name: string) => ({ key: { sortQuery: false, ignoreQuery: [], headers: [name], cookies: [] } })

/** An origin whose answer repeats the value of a field of the request. */
function answeringBy(name: string, rules: Parameters<typeof world>[0], vary: string | undefined) {
  const made = world(rules)
  made.origin.script((request) => ({
    headers: { 'Cache-Control': 'max-age=60', 'Content-Location': '/', ...(vary !== undefined && { Vary: vary }) },
    body: `for ${field(request.fields, name) ?? 'nobody'}`,
  }))
  return made
}

it('the X-Forwarded-Host of a trusted proxy is part of the key', async () => {
  const { get } = answeringBy('x-forwarded-host', {}, undefined)
  const getWithHost = (host: string, peer = proxy) => get('/', { 'X-Forwarded-Host': host }, { peer })
  expect((await getWithHost('a.example')).body).toBe('for a.example')
  expect((await getWithHost('b.example')).body).toBe('for b.example')
  expect((await getWithHost('a.example')).result).toBe('hit')
  expect((await getWithHost('a.test')).body).toBe('for a.test')
  for (const same of [
    get('/'),
    get('/', {}, { peer: proxy }),
    getWithHost('a.test'),
    getWithHost('a.example', untrusted),
  ]) {
    expect(await same).toMatchObject({ result: 'hit', body: 'for a.test' })
  }
})

it.each(['forwarded', 'x-forwarded-for'])(
  'the address of the client selects the copy when %s is part of the key',
  async (name) => {
    const { get } = answeringBy(name, keyedBy(name), undefined)
    const from = (address: string) => get('/', {}, { peer: { address, trusted: false } })
    expect((await from('192.0.2.1')).body).toContain('192.0.2.1')
    expect((await from('192.0.2.2')).body).toContain('192.0.2.2')
  },
)

it.each([untrusted, proxy])('Vary: Host selects nothing, as the host is in every key: %j', async (peer) => {
  const { get } = answeringBy('host', {}, 'Host')
  await get('/', { Host: 'a.test' }, { peer })
  expect((await get('/', { Host: 'A.test:80' }, { peer })).result).toBe('hit')
})

it.each([
  ['cf-ipcountry', 'named by Vary', {}, 'CF-IPCountry'],
  ['cf-ipcountry', 'part of the key', keyedBy('cf-ipcountry'), undefined],
  ['cf_ipcountry', 'named by Vary', {}, 'CF_IPCountry'],
  ['x-forwarded-host', 'named by Vary', {}, 'X-Forwarded-Host'],
  ['x-forwarded-for', 'part of the key', keyedBy('x-forwarded-for'), undefined],
  ['surrogate-capability', 'named by Vary', {}, 'Surrogate-Capability'],
  ['surrogate-capability', 'part of the key', keyedBy('surrogate-capability'), undefined],
])('what an untrusted client says in %s selects no copy of a trusted one: it is %s', async (name, _, rules, vary) => {
  const { get } = answeringBy(name, rules, vary)
  const answer = await get('/', { [name]: 'acme' }, { peer: untrusted })
  expect(answer.body).not.toContain('acme')
  expect((await get('/', { [name]: 'acme' }, { peer: proxy })).body).toContain('acme')
  expect((await get('/', { [name]: 'acme' }, { peer: proxy })).result).toBe('hit')
  expect((await get('/', { [name]: 'other' }, { peer: untrusted })).body).toBe(answer.body)
  expect((await get('/', {}, { peer: untrusted })).result).toBe('hit')
})

it.each([
  ['x-forwarded-host', 'part of every key', {}],
  ['cf-ipcountry', 'part of the key', keyedBy('cf-ipcountry')],
])('the answer to a POST with %s becomes the copy of the same value only: it is %s', async (name, _, rules) => {
  const { get } = answeringBy(name, rules, undefined)
  const fromProxy = { [name]: 'b.example' }
  await get('/', fromProxy, { peer: proxy, method: 'POST', body: Readable.from([Buffer.from('x')]) })
  expect(await get('/', fromProxy, { peer: proxy })).toMatchObject({ result: 'hit', body: 'for b.example' })
  expect((await get('/', {}, { peer: untrusted })).body).not.toContain('b.example')
})
