import { describe, expect, test } from 'vitest'
import { parseRedisUrl } from '../../../src/stores/redis/url.ts'

const nothing = { master: '', username: undefined, password: undefined, database: 0, tls: false }

test.each([
  ['redis://a', { kind: 'server', addresses: [{ host: 'a', port: 6379 }] }],
  ['redis://127.0.0.1:1/', { kind: 'server', addresses: [{ host: '127.0.0.1', port: 1 }] }],
  ['redis://[::1]:7000/15', { kind: 'server', addresses: [{ host: '::1', port: 7000 }], database: 15 }],
  ['rediss://a', { kind: 'server', addresses: [{ host: 'a', port: 6379 }], tls: true }],
  ['REDIS://:p%40ss@a', { kind: 'server', addresses: [{ host: 'a', port: 6379 }], password: 'p@ss' }],
  ['redis://u:p:q@a/2', { addresses: [{ host: 'a', port: 6379 }], username: 'u', password: 'p:q', database: 2 }],
  [
    'redis+cluster://a:1,[::2]',
    {
      kind: 'cluster',
      addresses: [
        { host: 'a', port: 1 },
        { host: '::2', port: 6379 },
      ],
    },
  ],
  ['rediss+cluster://u:p@a/0', { kind: 'cluster', addresses: [{ host: 'a', port: 6379 }], username: 'u', tls: true }],
  [
    'redis+sentinel://a,b:2/main',
    {
      kind: 'sentinel',
      addresses: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 2 },
      ],
      master: 'main',
    },
  ],
  ['redis+sentinel://u:p@a/my%20main/3', { addresses: [{ host: 'a', port: 26379 }], master: 'my main', database: 3 }],
])('%s', (url, expected) => {
  expect(parseRedisUrl(url)).toMatchObject(expected)
  expect(Object.keys(parseRedisUrl(url)).sort()).toEqual([...Object.keys(nothing), 'addresses', 'kind'].sort())
})

describe('is refused with a reason', () => {
  test.each([
    ['', 'expected redis://host:port/database'],
    ['http://a', 'expected redis://host:port/database'],
    ['redis://', 'expected redis://host:port/database'],
    ['redis:a', 'expected redis://host:port/database'],
    ['redis://a?x=1', 'expected redis://host:port/database'],
    ['redis://a#x', 'expected redis://host:port/database'],
    ['redis+other://a', 'expected redis://host:port/database'],
    ['redis://a,b', 'several are redis+cluster://'],
    ['redis://a:0', 'port from 1 to 65535'],
    ['redis://a:65536', 'port from 1 to 65535'],
    ['redis://a b', 'expected host:port'],
    ['redis+cluster://a,', 'expected host:port'],
    ['redis://a/x', 'number of a database'],
    ['redis://a/1/2', 'number of a database'],
    ['redis+cluster://a/1', 'only database 0'],
    ['redis+sentinel://a', 'name of the master'],
    ['redis+sentinel://a/', 'name of the master'],
    ['redis://%zz@a', 'percent-encoded'],
  ])('%s', (url, why) => {
    expect(() => parseRedisUrl(url)).toThrow(RangeError)
    expect(() => parseRedisUrl(url)).toThrow(why)
  })

  test.each(['redis://u:secret@a:b', 'redis://u:secret@', 'redis://u:se/cret@a', 'http://u:secret@a'])(
    '%s, without telling the password',
    (url) => {
      expect(() => parseRedisUrl(url)).toThrow(/^((?!secret|:se|cret).)*$/)
    },
  )
})
