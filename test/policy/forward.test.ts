import { describe, expect, it } from 'vitest'
import { field, fieldLines, has } from '../../src/fields.ts'
import type { Peer } from '../../src/model.ts'
import { connectionProblem } from '../../src/policy/fields/hop-by-hop.ts'
import { hopsLeft } from '../../src/policy/fields/max-forwards.ts'
import { loops } from '../../src/policy/fields/via.ts'
import type { UpstreamOptions } from '../../src/policy/forward.ts'
import { requestWith, rulesWith, sentUpstream } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

type Headers = Record<string, string | string[]>

const stranger: Peer = { address: '192.0.2.1', trusted: false }
const proxy: Peer = { address: '10.0.0.1', trusted: true }

const sent = (headers: Headers, options: Partial<UpstreamOptions> = {}, peer: Peer | undefined = stranger) =>
  sentUpstream(requestWith(headers, { peer }), options)

const length = (headers: Headers, hasBody = true) => fieldLines(sent(headers, { hasBody }), 'content-length')

const forwardedFor = (peer: Peer | undefined, authority = 'a.test') => field(sent({}, { authority }, peer), 'forwarded')

describe('a request to an origin', () => {
  it('has the end-to-end fields, one Host and the fields of Herdgate', () => {
    expect(sent({ Host: 'A.test:80', Accept: '*/*', Cookie: 'a=b', 'X-Id': ['1', '2'] })).toEqual([
      'Host',
      'a.test',
      'Accept',
      '*/*',
      'Cookie',
      'a=b',
      'X-Id',
      '1',
      'X-Id',
      '2',
      'Forwarded',
      'for=192.0.2.1;host=a.test;proto=http',
      'X-Forwarded-For',
      '192.0.2.1',
      'X-Forwarded-Host',
      'a.test',
      'X-Forwarded-Proto',
      'http',
      'Surrogate-Capability',
      'herdgate="Surrogate/1.0"',
      'Via',
      '1.1 herdgate',
    ])
  })

  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authorization',
    'Transfer-Encoding',
    'Transfer_Encoding',
    'Content_Length',
    'Upgrade',
    'HTTP2-Settings',
    'Expect',
    'Trailer',
    'TE',
  ])('is without %s', (name) => expect(has(sent({ [name]: 'x' }), name.toLowerCase())).toBe(false))

  it('is without Proxy even from a trusted proxy, which may have it from its client', () => {
    const fromProxy = requestWith({ Proxy: 'http://a.example' }, { peer: proxy })
    expect(has(sentUpstream(fromProxy, {}), 'proxy')).toBe(false)
  })

  it('is without the fields that Connection names, except those that Herdgate adds', () => {
    const fields = sent({ Connection: 'close, X-Real-Auth, Via, X-Forwarded-For', 'X-Real-Auth': '1', Via: '1.1 x' })
    expect(has(fields, 'x-real-auth')).toBe(false)
    expect(field(fields, 'via')).toBe('1.1 x, 1.1 herdgate')
    expect(field(fields, 'x-forwarded-for')).toBe('192.0.2.1')
  })

  it('has TE: trailers, without other codings, only if its answer is for one client', () => {
    const te = (value: string, more: Headers = {}) =>
      fieldLines(sent({ TE: value, ...more }, { stripConditionals: false }), 'te')
    expect(te('gzip, trailers')).toEqual(['trailers'])
    expect(te('trailers', { Connection: 'TE' })).toEqual(['trailers'])
    expect(te('xtrailers')).toEqual([])
    expect(has(sent({ TE: 'trailers' }), 'te')).toBe(false)
  })

  it('has Max-Forwards decremented if it is OPTIONS or TRACE', () => {
    const told = (method: string) => sentUpstream(requestWith({ 'Max-Forwards': '7' }, { method }))
    expect(['OPTIONS', 'TRACE', 'GET'].map((method) => field(told(method), 'max-forwards'))).toEqual([
      '6',
      '6',
      undefined,
    ])
    const hops = (method: string, value: string | string[]) =>
      hopsLeft(requestWith({ 'Max-Forwards': value }, { method }))
    expect(hops('OPTIONS', '9'.repeat(40))).toBe(255)
    expect([hops('OPTIONS', '-1'), hops('TRACE', ['1', '1']), hops('TRACE', '')]).toEqual([NaN, NaN, NaN])
    expect(hopsLeft(requestWith({}, { method: 'OPTIONS' }))).toBeUndefined()
  })

  it.each([
    'If-Match',
    'If-None-Match',
    'If-Modified-Since',
    'If-Unmodified-Since',
    'If-Range',
    'Range',
    'if_none_match',
  ])('is without %s when its answer is for others too', (name) => {
    expect(has(sent({ [name]: 'x' }), name.toLowerCase())).toBe(false)
    expect(has(sent({ [name]: 'x' }, { stripConditionals: false }), name.toLowerCase())).toBe(true)
  })

  it('has one Accept-Encoding, in the form that selects copies, when others may get its answer', () => {
    const codings = (options: Partial<UpstreamOptions>, method = 'GET') => {
      const request = requestWith({ 'Accept-Encoding': ['gzip;q=0.5', 'j1, br'] }, { method })
      return fieldLines(sentUpstream(request, options), 'accept-encoding')
    }
    expect(codings({ mayBeStored: true })).toEqual(['br, gzip'])
    expect(codings({ mayBeStored: false }, 'POST')).toEqual(['br, gzip'])
    expect(codings({ mayBeStored: false })).toEqual(['gzip;q=0.5', 'j1, br'])
    expect(has(sent({}), 'accept-encoding')).toBe(false)
  })

  it('has the conditions of Herdgate in place of those of the client', () => {
    const fields = sent({ 'If-None-Match': '"theirs"' }, { conditions: ['If-None-Match', '"ours"'] })
    expect(fieldLines(fields, 'if-none-match')).toEqual(['"ours"'])
  })

  it('is without Cookie when cookies are ignored', () => {
    const fields = sent({ Cookie: 'a=b', Accept: '*/*' }, { rules: rulesWith({ cookies: 'ignore' }) })
    expect([has(fields, 'cookie'), has(fields, 'accept')]).toEqual([false, true])
  })

  it('has one valid Content-Length if there is content', () => {
    expect(length({ 'Content-Length': '5' })).toEqual(['5'])
    expect(length({ 'Content-Length': '5' }, false)).toEqual([])
    expect(length({ 'Content-Length': ['5', '5'] })).toEqual([])
    expect(length({ 'Content-Length': '5', 'Transfer-Encoding': 'chunked' })).toEqual([])
    for (const value of ['5, 5', '+5', '-1', '0x5', '5_0', '', '18446744073709551621']) {
      expect(length({ 'Content-Length': value })).toEqual([])
    }
  })

  it('extends the received Via', () => {
    expect(fieldLines(sent({ Via: ['1.0 a', '1.1 b'] }), 'via')).toEqual(['1.0 a, 1.1 b, 1.1 herdgate'])
  })
})

describe('what an untrusted client says about itself', () => {
  it.each([
    'X-Original-URL',
    'X-Rewrite-URL',
    'X-HTTP-Method-Override',
    'X-HTTP-Method',
    'X-Method-Override',
    'X-Host',
    'X-Forwarded-Server',
    'X-Original-Host',
    'X-Forwarded-Prefix',
    'X-Forwarded-Scheme',
    'X-Forwarded-Port',
    'True-Client-IP',
    'X-Real-IP',
    'X_Forwarded_Prefix',
    'X_Original_URL',
  ])('in %s is dropped, but kept from a trusted proxy', (name) => {
    expect(has(sent({ [name]: 'evil' }), name.toLowerCase())).toBe(false)
    expect(has(sent({ [name]: 'x' }, {}, proxy), name.toLowerCase())).toBe(true)
  })

  const headers = {
    Forwarded: 'for=evil;host=evil',
    'X-Forwarded-For': 'evil',
    'X-Forwarded-Host': 'evil',
    'X-Forwarded-Proto': 'evil',
  }

  it('is replaced by what is known', () => {
    const fields = sent({ ...headers, X_Forwarded_For: 'evil' }, { scheme: 'https' })
    expect(fields.join(' ')).not.toContain('evil')
    expect(field(fields, 'x-forwarded-proto')).toBe('https')
    expect(sent(headers, {}, { address: '', trusted: false }).join(' ')).not.toContain('evil')
  })
})

describe('what a trusted proxy says', () => {
  it('is extended', () => {
    const headers = {
      Forwarded: ['for=1.2.3.4', 'for=5.6.7.8'],
      'X-Forwarded-For': '1.2.3.4',
      'X-Forwarded-Host': 'shop.test',
      'X-Forwarded-Proto': 'https',
    }
    const fields = sent(headers, { scheme: 'https' }, proxy)
    expect(fieldLines(fields, 'forwarded')).toEqual([
      'for=1.2.3.4, for=5.6.7.8, for=10.0.0.1;host=shop.test;proto=https',
    ])
    expect(fieldLines(fields, 'x-forwarded-for')).toEqual(['1.2.3.4, 10.0.0.1'])
    expect(fieldLines(fields, 'x-forwarded-host')).toEqual(['shop.test'])
    expect(fieldLines(fields, 'x-forwarded-proto')).toEqual(['https'])
  })

  it('in X-Forwarded-For alone is repeated in Forwarded', () => {
    const fields = sent({ 'X-Forwarded-For': '1.2.3.4, ::1' }, { scheme: 'https' }, proxy)
    expect(fieldLines(fields, 'forwarded')).toEqual(['for=1.2.3.4, for="[::1]", for=10.0.0.1;host=a.test;proto=https'])
  })

  it('adds no list member when it is empty', () => {
    expect(fieldLines(sent({ 'X-Forwarded-For': ' ' }, {}, proxy), 'x-forwarded-for')).toEqual(['10.0.0.1'])
  })

  it('of an invalid scheme is not passed on', () => {
    const fields = sent({ 'X-Forwarded-Proto': 'javascript' }, { scheme: 'http' }, proxy)
    expect(fieldLines(fields, 'x-forwarded-proto')).toEqual(['http'])
  })
})

describe('an address', () => {
  it('of version 6 is bracketed and quoted, and written as version 4 if it is a mapped one', () => {
    expect(forwardedFor({ address: '::1', trusted: false })).toBe('for="[::1]";host=a.test;proto=http')
    expect(forwardedFor({ address: '::ffff:192.0.2.1', trusted: false })).toBe('for=192.0.2.1;host=a.test;proto=http')
    expect(forwardedFor({ address: '::ffff:c000:201', trusted: false })).toContain('for="[::ffff:c000:201]";')
  })

  it('is quoted with a port', () => {
    expect(forwardedFor(stranger, 'a.test:81')).toBe('for=192.0.2.1;host="a.test:81";proto=http')
  })

  it('is left out when there is no peer', () => {
    const fields = sentUpstream(requestWith({ 'X-Forwarded-For': 'evil' }))
    expect(field(fields, 'forwarded')).toBe('host=a.test;proto=http')
    expect(has(fields, 'x-forwarded-for')).toBe(false)
  })
})

describe('a loop', () => {
  it.each([
    ['1.1 herdgate', true],
    ['1.1 a, 1.1 Herdgate (edge), 1.1 b', true],
    ['HTTP/1.1 herdgate', true],
    ['1.1 herdgate2', false],
    ['1.1 a (herdgate)', false],
    ['herdgate', false],
  ])('is detected in Via: %s: %s', (via, expected) => expect(loops(fieldsOf({ Via: via }), 'herdgate')).toBe(expected))

  it('is detected by the name that this cache has', () => {
    const sent = sentUpstream(requestWith(), { rules: rulesWith({ via: 'Edge' }) })
    expect(loops(sent, 'Edge')).toBe(true)
    expect(loops(sent, 'edge')).toBe(true)
    expect(loops(sent, 'herdgate')).toBe(false)
  })

  it('is detected on any line', () => {
    expect(loops(fieldsOf({ Via: ['1.1 a', '1.1 herdgate'] }), 'herdgate')).toBe(true)
    expect(loops([], 'herdgate')).toBe(false)
  })
})

describe('Connection', () => {
  it.each([
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Authorization',
    'COOKIE',
    'Cache-Control',
    'Age',
    'X-Forwarded-For',
    'X_Forwarded_For',
    'If-None-Match',
    'Range',
  ])('must not name %s', (name) => {
    expect(connectionProblem(fieldsOf({ Connection: ['close', `x, ${name}`] }))).toContain(name.toLowerCase())
  })

  it('has at most 64 members', () => {
    const named = (count: number) => connectionProblem(fieldsOf({ Connection: Array(count).fill('x').join() }))
    expect([named(64), named(65)]).toEqual([undefined, 'Connection has more than 64 members'])
  })

  it.each(['close', 'keep-alive', 'Upgrade, HTTP2-Settings', 'TE', 'X-Hop', ''])('may be %j', (value) => {
    expect(connectionProblem(fieldsOf({ Connection: value }))).toBeUndefined()
    expect(connectionProblem([])).toBeUndefined()
  })
})
