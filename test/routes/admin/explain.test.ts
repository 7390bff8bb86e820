import { describe, expect, test } from 'vitest'
import { fakeAdmin, get } from '../../support/admin.ts'

const ask = (...parameters: [name: string, value: string][]): string => `/v1/explain?${new URLSearchParams(parameters)}`

describe('GET /v1/explain', () => {
  test('explains the request as the data port would serve it', async () => {
    const { app, explained } = fakeAdmin()
    const response = await get(app, ask(['url', 'HTTPS://A.test:443/x?y=%20']))
    expect(response.statusCode).toBe(200)
    expect(explained).toEqual([{ method: 'GET', url: 'https://a.test/x?y=%20', fields: ['Host', 'A.test:443'] }])
    expect(response.json()).toMatchObject({ decision: 'fetch', why: 'uri-miss', route: 'default' })
  })

  test('accepts any number of headers, and a method', async () => {
    const { app, explained } = fakeAdmin()
    const fields: [string, string][] = [
      ['header', 'Accept-Language:  de, en;q=0.5 '],
      ['header', 'cookie: a=b:c'],
      ['header', 'x-empty:'],
      ['header', 'x-octets: \t\xa0 '],
    ]
    await get(app, ask(['url', 'http://a.test/'], ['method', 'POST'], ...fields))
    expect(explained[0]).toEqual({
      method: 'POST',
      url: 'http://a.test/',
      fields: [
        'Host',
        'a.test',
        'Accept-Language',
        'de, en;q=0.5',
        'cookie',
        'a=b:c',
        'x-empty',
        '',
        'x-octets',
        '\xc2\xa0',
      ],
    })
  })

  test.each<[string, [string, string][], string]>([
    ['no URL', [], 'url'],
    ['a relative URL', [['url', '/x']], 'url: expected an absolute URL'],
    ['a URL with a fragment', [['url', 'http://a.test/#x']], 'url: a fragment'],
    [
      'two URLs',
      [
        ['url', 'http://a.test/'],
        ['url', 'http://b.test/'],
      ],
      'url',
    ],
    [
      'CONNECT',
      [
        ['url', 'http://a.test/'],
        ['method', 'CONNECT'],
      ],
      'CONNECT',
    ],
    [
      'an invalid method',
      [
        ['url', 'http://a.test/'],
        ['method', 'GE T'],
      ],
      'method: not a method',
    ],
    [
      'a method that the data port does not accept',
      [
        ['url', 'http://a.test/'],
        ['method', 'FOO'],
      ],
      'method: not a method that the data port reads',
    ],
    [
      'a method in lower case, which is another one',
      [
        ['url', 'http://a.test/'],
        ['method', 'get'],
      ],
      'method: not a method that the data port reads',
    ],
    [
      'a header without a colon',
      [
        ['url', 'http://a.test/'],
        ['header', 'accept'],
      ],
      'header[0]: expected name:value',
    ],
    [
      'a header without a name',
      [
        ['url', 'http://a.test/'],
        ['header', ':x'],
      ],
      'header[0]',
    ],
    [
      'a space in a name',
      [
        ['url', 'http://a.test/'],
        ['header', 'a:b'],
        ['header', 'a b:c'],
      ],
      'header[1]',
    ],
    [
      'a line feed in a value',
      [
        ['url', 'http://a.test/'],
        ['header', 'a:b\r\nc:d'],
      ],
      'header[0]',
    ],
    [
      'a Host beside the URL',
      [
        ['url', 'http://a.test/'],
        ['header', 'Host: b.test'],
      ],
      'header[0]: the host is taken from the URL',
    ],
    [
      '101 headers',
      [['url', 'http://a.test/'], ...Array.from({ length: 101 }, (): [string, string] => ['header', 'a:b'])],
      'header: more than 100',
    ],
    [
      'an unknown parameter',
      [
        ['url', 'http://a.test/'],
        ['headers', 'a:b'],
      ],
      'headers',
    ],
  ])('refuses %s with 400 and the reason', async (_what, parameters, reason) => {
    const { app, explained } = fakeAdmin()
    const response = await get(app, ask(...parameters))
    expect(response.statusCode).toBe(400)
    expect(response.headers['content-type']).toBe('application/problem+json')
    expect(response.json().detail).toContain(reason)
    expect(explained).toEqual([])
  })

  test('handles a long hostile header quickly', async () => {
    const before = process.threadCpuUsage()
    await get(fakeAdmin().app, ask(['url', 'http://a.test/'], ['header', `a:${' '.repeat(8000)}\u0100`]))
    expect(process.threadCpuUsage(before).user).toBeLessThan(2_000_000) // in microseconds
  })
})
