import { describe, expect, test } from 'vitest'
import { type PlainHead, readPlainHead } from '../../src/lane/plain-head.ts'
import { MAX_FIELDS } from '../../src/policy/head.ts'
import fc from '../support/fast-check.ts'

/** Octets after the head in the buffer, such as leftovers of an earlier request. */
const BEHIND = [
  '',
  '\r\n\r\n',
  '\n',
  'x',
  'Host: b.test\r\n\r\n',
  ' HTTP/1.1\r\nHost: b.test\r\n\r\n',
  '\r\nRange: x\r\n\r\n',
]

/** Reads a head, and checks that octets after it make no difference. */
function plain(octets: Buffer): PlainHead | undefined {
  const read = readPlainHead(octets, octets.length)
  for (const behind of BEHIND) {
    const again = readPlainHead(Buffer.concat([octets, Buffer.from(behind)]), octets.length)
    expect(outlines(again), behind).toEqual(outlines(read))
  }
  return read
}

const outlines = (read: PlainHead | undefined) =>
  read && [
    read.length,
    read.contentLength,
    read.hash,
    read.affectsReuse,
    read.asksForRange,
    read.isConditional,
    ...read.fields,
  ]

const head = (...lines: string[]) => `${['GET /x?y=1 HTTP/1.1', ...lines].join('\r\n')}\r\n\r\n`

describe('a plain head', () => {
  test('is read as written', () => {
    const octets = head('Host: a.test', 'accept: */*', 'Cookie: a=1; b=2')
    expect(plain(Buffer.from(octets, 'latin1'))).toMatchObject({
      method: 'GET',
      target: '/x?y=1',
      fields: ['Host', 'a.test', 'accept', '*/*', 'Cookie', 'a=1; b=2'],
      host: 'a.test',
      length: octets.length,
      contentLength: 0,
      asksForRange: false,
      isConditional: false,
      forwardedProto: undefined,
    })
  })

  test('ends at its empty line, whatever follows', () => {
    const octets = head('Host: a.test')
    expect(plain(Buffer.from(`${octets}GET /y HTTP/1.1\r\n`))).toMatchObject({ length: octets.length })
  })

  test.each([
    ['Content-Length: 12', { contentLength: 12 }],
    ['Range: bytes=0-1', { asksForRange: true }],
    ['if-none-match: "1"', { isConditional: true }],
    ['If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT', { isConditional: true }],
    ['X-Forwarded-Proto: https', { forwardedProto: 'https' }],
    ['X-Forwarded-Host: b.test', { forwardedHost: 'b.test' }],
    ['Connection: keep-alive', { contentLength: 0 }],
    ['Connection: Upgrade', { contentLength: 0 }],
  ])('reports %s', (line, said) => {
    expect(plain(Buffer.from(head('Host: a.test', line), 'latin1'))).toMatchObject(said)
  })
})

test('a head that was moved reads the same, whatever happens to its old memory', () => {
  const octets = Buffer.from(head('Host: a.test', 'Cookie: a=1'), 'latin1')
  const read = plain(octets)
  read?.moveTo(Buffer.from(octets))
  octets.fill('x')
  expect(read).toMatchObject({ target: '/x?y=1', host: 'a.test', fields: ['Host', 'a.test', 'Cookie', 'a=1'] })
})

describe('no plain head', () => {
  test.each([
    ['without Host', head('Accept: */*')],
    ['with two of them', head('Host: a.test', 'Host: b.test')],
    ['of HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a.test\r\n\r\n'],
    ['in absolute form', 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n'],
    ['with a fragment', 'GET /#x HTTP/1.1\r\nHost: a.test\r\n\r\n'],
    ['that is incomplete', 'GET / HTTP/1.1\r\nHost: a.test\r\n'],
    ['with an empty line before it', `\r\n${head('Host: a.test')}`],
    ['with bare line feeds', 'GET / HTTP/1.1\nHost: a.test\n\n'],
    ['with one bare line feed', 'GET / HTTP/1.1\r\nHost: a.test\nX: y\r\n\r\n'],
    ['with a bare CR', head('Host: a.test', 'X: a\rb')],
    ['with NUL', head('Host: a.test', 'X: a\0b')],
    ['with an octet above ASCII', head('Host: a.test', 'X: \xe9')],
    ['with a tab in a value', head('Host: a.test', 'X: a\tb')],
    ['with a folded line', head('Host: a.test', 'X: a', ' b')],
    ['with white space before the colon', head('Host: a.test', 'X : a')],
    ['with two spaces after it', head('Host: a.test', 'X:  a')],
    ['with none', head('Host: a.test', 'X:a')],
    ['with white space at the end of a value', head('Host: a.test', 'X: a ')],
    ['with an empty value', head('Host: a.test', 'X: ')],
    ['with a name that is written with an underscore', head('Host: a.test', 'Content_Length: 3')],
    ['with two lengths', head('Host: a.test', 'Content-Length: 3', 'Content-Length: 3')],
    ['with two lengths of nothing', head('Host: a.test', 'Content-Length: 0', 'Content-Length: 0')],
    ['with a length of several', head('Host: a.test', 'Content-Length: 3, 3')],
    ['with a length that begins with zero', head('Host: a.test', 'Content-Length: 03')],
    ['with a length that is signed', head('Host: a.test', 'Content-Length: +3')],
    ['with a transfer coding', head('Host: a.test', 'Transfer-Encoding: chunked')],
    ['that ends the connection', head('Host: a.test', 'Connection: close')],
    ['whose Connection names a field', head('Host: a.test', 'Connection: X-Real-Auth')],
    ['whose Connection names one beside keep-alive', head('Host: a.test', 'Connection: keep-alive, X-Real-Auth')],
    ['with an expectation', head('Host: a.test', 'Expect: 100-continue')],
    ['that asks for another protocol', head('Host: a.test', 'Upgrade: websocket')],
    [
      'that asks for another protocol, with Connection',
      head('Host: a.test', 'Connection: Upgrade', 'Upgrade: websocket'),
    ],
    ['with more in Connection than Upgrade', head('Host: a.test', 'Connection: Upgrade, X-Real-Auth')],
    ['with TE', head('Host: a.test', 'TE: trailers')],
    ['with two X-Forwarded-Proto', head('Host: a.test', 'X-Forwarded-Proto: http', 'X-Forwarded-Proto: https')],
    ['with two X-Forwarded-Host', head('Host: a.test', 'X-Forwarded-Host: b.test', 'X-Forwarded-Host: c.test')],
    ['with a length that is too large for a number', head('Host: a.test', 'Content-Length: 1234567890123456')],
    ['with Max-Forwards', head('Host: a.test', 'Max-Forwards: 0')],
    ['with Trailer', head('Host: a.test', 'Trailer: X')],
    ['with Keep-Alive', head('Host: a.test', 'Keep-Alive: timeout=5')],
    ['with Proxy-Connection', head('Host: a.test', 'Proxy-Connection: keep-alive')],
    ['with too many fields', head('Host: a.test', ...Array.from({ length: MAX_FIELDS }, () => 'X: y'))],
  ])('%s', (_, octets) => {
    expect(plain(Buffer.from(octets, 'latin1'))).toBeUndefined()
  })
})

const NAMES = ['Host', 'Accept', 'X', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Range', 'Upgrade', 'Expect']

test('writing what was read gives the same octets', () => {
  const line = fc
    .tuple(
      fc.constantFrom(...NAMES),
      fc.constantFrom(': ', ':', ' : ', ':  '),
      fc.stringMatching(/^[ -~\t\r\n\0]{0,12}$/),
    )
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), fc.constantFrom('\r\n', '\n'), (lines, end) => {
      const octets = `GET / HTTP/1.1\r\nHost: a.test\r\n${lines.map((text) => text + end).join('')}\r\n`
      const read = plain(Buffer.from(octets, 'latin1'))
      if (read === undefined) return
      let again = `${read.method} ${read.target} HTTP/1.1\r\n`
      for (let at = 0; at < read.fields.length; at += 2) again += `${read.fields[at]}: ${read.fields[at + 1]}\r\n`
      expect(`${again}\r\n`).toBe(octets.slice(0, read.length))
    }),
    { numRuns: 2_000 },
  )
})

/** What may be read, as a grammar. Rules about names, such as two lengths, are tested above. */
const PLAIN =
  /^[A-Z]{3,16} \/[\x21\x22\x24-\x7e]* HTTP\/1\.1\r\n(?:[A-Za-z][A-Za-z0-9-]*: [\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?\r\n)+\r\n/

test('only plain heads are read, whichever octet is changed, missing or extra', () => {
  const octets = Buffer.from(head('Host: a.test', 'X-Y: a b', 'Accept: */*'), 'latin1')
  const change = fc.record({
    at: fc.nat(octets.length - 1),
    octet: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\r\n\t :-_/#Aa0~\x7f\x80\0'))),
    kind: fc.constantFrom('instead', 'before', 'without'),
  })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const list = [...octets]
      for (const { at, octet, kind } of changes) {
        list.splice(at, kind === 'before' ? 0 : 1, ...(kind === 'without' ? [] : [octet]))
      }
      const changed = Buffer.from(list)
      const read = plain(changed)
      const text = changed.toString('latin1')
      const hosts = text.match(/\r\nhost: /gi)?.length ?? 0
      if (!PLAIN.test(text)) expect(read).toBeUndefined()
      else if (hosts === 1 && /\r\nX/.test(text)) expect(read?.target).toBe(text.split(' ', 2)[1])
    }),
    { numRuns: 5_000 },
  )
})
