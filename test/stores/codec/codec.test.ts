import { describe, expect, test } from 'vitest'
import { Body } from '../../../src/body.ts'
import type { Stamp, Stored, StoredResponse, StoredValue } from '../../../src/model.ts'
import { selectingValues } from '../../../src/policy/vary.ts'
import { decode, encode } from '../../../src/stores/codec/codec.ts'
import { writeStored } from '../../../src/stores/codec/layout.ts'
import { OctetWriter } from '../../../src/stores/codec/octets.ts'
import { sealWith } from '../../../src/stores/codec/seal.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import fc from '../../support/fast-check.ts'
import { bodyOf, someStored } from '../some-stored.ts'
import { response } from '../store-contract.ts'

const KEY = 'GET http://a.test/x'
const hmacKey = 'a key that others do not have'

/** As another process reads it, which cannot know how far the log was when the fetch began. */
const elsewhere = (stored: Stored): Stored => ({
  ...stored,
  checked: stored.position,
  startedAt: Number.NEGATIVE_INFINITY,
})

/** The same members as another object has; not all are own properties. */
const read = (stored: Stored | undefined, like: Stored): object =>
  Object.fromEntries(Object.keys(like).map((name) => [name, stored?.[name as keyof Stored]]))

test('decoding returns what was encoded, sealed with a key or not', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      someStored,
      fc.option(fc.string(), { nil: undefined }),
      (key, stored, hmacKey) => {
        const octets = encode(key, stored, { hmacKey })
        const decoded = octets && decode(key, octets, { hmacKey })
        const expected = elsewhere(stored)
        expect({ ...read(decoded, expected), body: bodyOf(decoded), bytes: 0 }).toEqual({
          ...expected,
          body: bodyOf(stored),
          bytes: 0,
        })
      },
    ),
  )
})

test('any changed, missing or extra octet is detected', () => {
  fc.assert(
    fc.property(someStored, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (stored, where, flip, keyed) => {
      const options = keyed ? { hmacKey } : {}
      const octets = encode(KEY, stored, options)!
      expect(decode(KEY, octets.subarray(0, where % octets.length), options)).toBeUndefined()
      expect(decode(KEY, Buffer.concat([octets, Buffer.of(flip)]), options)).toBeUndefined()
      octets[where % octets.length]! ^= flip
      expect(decode(KEY, octets, options)).toBeUndefined()
    }),
  )
})

test('an entry stored under another key is rejected', () => {
  const octets = encode(KEY, response('x'))!
  expect(decode(`${KEY}?`, octets)).toBeUndefined()
  expect(decode(KEY, octets)).toMatchObject({ kind: 'response' })
})

test('with a secret, only entries sealed with it are accepted', () => {
  const [plain, keyed] = [encode(KEY, response('x'))!, encode(KEY, response('x'), { hmacKey })!]
  expect(decode(KEY, keyed, { hmacKey })).toMatchObject({ kind: 'response' })
  expect(decode(KEY, plain, { hmacKey })).toBeUndefined()
  expect(decode(KEY, keyed, { hmacKey: 'another' })).toBeUndefined()
  expect(decode(KEY, keyed)).toBeUndefined()
})

test('the body is a copy: the decoded buffer may be overwritten', () => {
  const octets = encode(KEY, response('body'))!
  const decoded = decode(KEY, octets)
  octets.fill(0)
  expect(bodyOf(decoded)?.toString()).toBe('body')
})

test('a body that is still arriving is not encoded', () => {
  const source = (async function* () {
    await new Promise(() => {})
    yield Buffer.of()
  })()
  const limits = { length: undefined, keepBytes: 10, windowBytes: 10, stallMs: 10, stop: () => {} }
  const body = Body.from(source, { ...limits, clock: new FakeClock() })
  expect(encode(KEY, response('', { body }))).toBeUndefined()
})

test('a response selected by a field that came under several names survives encoding', () => {
  const vary = selectingValues(['x-a'], ['X-A', '1', 'X_A', '2'])
  expect(decode(KEY, encode(KEY, response('', { varyOn: ['x-a'], vary })) ?? Buffer.of())).toMatchObject({ vary })
})

/** A holder of the key could seal these; they must be rejected all the same. */
describe.each<[string, Partial<StoredResponse>]>([
  ['a line break in a value', { fields: ['X', 'a\r\nSet-Cookie: b'] }],
  ['a line feed in a value', { fields: ['X', 'a\nb'] }],
  ['a NUL in a value', { fields: ['X', 'a\0b'] }],
  ['a character that is not an octet', { fields: ['X', 'a\u2028b'] }],
  ['a line break in a name', { fields: ['X: y\r\nZ', 'a'] }],
  ['an empty name', { fields: ['', 'a'] }],
  ['a name without a value', { fields: ['X'] }],
  ['Connection', { fields: ['Connection', 'close'] }],
  ['Transfer-Encoding', { fields: ['TRANSFER-encoding', 'chunked'] }],
  ['Content-Length', { fields: ['content-length', '5'] }],
  ['an interim status', { status: 101 }],
  ['a status out of range', { status: 600 }],
  ['a status of 0', { status: 0 }],
  ['a position that cannot be counted', { position: 2 ** 63 }],
  ['a position that is not a number', { position: Number.NaN }],
  ['a negative position', { position: -1 }],
  ['no generation', { generation: '' }],
  ['a generation with a line break', { generation: 'g\n' }],
  ['a fetch time that never was', { askedAt: Number.NEGATIVE_INFINITY }],
  ['a fetch time after all others', { askedAt: Number.POSITIVE_INFINITY }],
  ['a time of birth that never was', { bornAt: Number.NEGATIVE_INFINITY }],
  ['a lifetime that is not a number', { freshUntil: Number.NaN }],
  ['selecting fields that Vary does not name', { varyOn: ['a'], vary: ['b', 'x'] }],
  ['selecting fields with a line break', { varyOn: ['a'], vary: ['a', 'x\r\n'] }],
  ['a part longer than its body', { partial: part([{ first: 0, last: 4 }]) }],
  ['a part that ends before it begins', { partial: part([{ first: 3, last: 0 }]) }],
  [
    'parts that overlap',
    {
      partial: part([
        { first: 0, last: 1 },
        { first: 1, last: 2 },
      ]),
    },
  ],
  ['a part past the end', { partial: { ...part([{ first: 0, last: 3 }]), complete: 3 } }],
  ['a line break in a range', { partial: { ...part([{ first: 0, last: 3 }]), contentRange: 'bytes 0-3/4\r\nX: y' } }],
])('%s', (_, more) => {
  test('is neither encoded nor decoded', () => {
    const stored = response('body', more)
    expect(encode(KEY, stored)).toBeUndefined()
    expect(decode(KEY, encodeUnchecked(stored))).toBeUndefined()
  })
})

describe('values', () => {
  test.each([
    [null],
    [0],
    [''],
    ['text'],
    [false],
    [undefined],
    [[]],
    [{}],
    [{ a: [1, { b: null }] }],
    [Buffer.from('b')],
  ])('%j survives unchanged', (value) => {
    expect(throughOctets(value)).toEqual({ value })
  })

  test('byte arrays keep their type and content', () => {
    expect(throughOctets(Uint8Array.of(1, 2))?.value).toEqual(Uint8Array.of(1, 2))
    expect(Buffer.isBuffer(throughOctets(Uint8Array.of(1))?.value)).toBe(false)
    expect(Buffer.isBuffer(throughOctets(Buffer.of(1))?.value)).toBe(true)
  })

  test.each([
    ['a date', new Date(0)],
    ['a map', { a: new Map([[1, 2]]) }],
    ['a set', [new Set([1])]],
    ['a big integer', 1n],
    ['not a number', { a: [Number.NaN] }],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['a function', () => 1],
    ['a symbol', { a: Symbol('s') }],
    ['undefined in a list', [undefined]],
    [
      'an instance of a class',
      new (class Point {
        x = 1
      })(),
    ],
    ['an object with toJSON', { toJSON: () => 1 }],
    ['bytes inside', { a: Buffer.of(1) }],
    ['a cycle', cycle()],
    ['a list with a named property', { found: /b/.exec('abc') }],
    ['a member named by a symbol', { a: { [Symbol('s')]: 1 } }],
    ['half a surrogate pair', '\ud800'],
  ])('refuses %s, which would be decoded as something else', (_, value) => {
    expect(throughOctets(value)).toBeUndefined()
  })

  test('-0 is decoded as 0, which is equal', () => {
    expect(throughOctets([-0, { a: -0 }])).toEqual({ value: [0, { a: 0 }] })
  })

  test('a member called __proto__ is treated like any other', () => {
    const value: unknown = JSON.parse('{"__proto__":{"admin":true}}')
    const found = throughOctets(value)?.value as Record<string, unknown>
    expect(Object.keys(found)).toEqual(['__proto__'])
    expect(found.admin).toBeUndefined()
    expect(({} as Record<string, unknown>).admin).toBeUndefined()
  })

  test('the size of a decoded value is computed again, not taken from the encoding', () => {
    const decoded = decode(KEY, encode(KEY, { ...valueOf('x'.repeat(5000)), bytes: 0 })!)
    expect(decoded).toMatchObject({ kind: 'value' })
    expect((decoded as StoredValue).bytes).toBeGreaterThan(5000)
  })
})

/** What `encode` refuses, encoded without its checks. */
function encodeUnchecked(stored: Stored): Buffer {
  const writer = new OctetWriter()
  writeStored(writer, KEY, stored)
  writer.raw(sealWith(undefined).of(writer.written))
  return writer.written
}

function part(parts: { first: number; last: number }[]) {
  return { parts, complete: undefined, reachesEnd: false, asked: undefined, contentRange: undefined }
}

function cycle(): unknown {
  const value: Record<string, unknown> = {}
  value.self = value
  return value
}

const stamp: Stamp = { url: 'k', tags: [], generation: 'g', position: 1, checked: 1, startedAt: 0 }

function valueOf(value: unknown): StoredValue {
  const { askedAt, bornAt, freshUntil, refreshAt, staleWhileRevalidateUntil, staleIfErrorUntil } = response('')
  const { keepUntil, mustRevalidate } = response('')
  const lifetime = { bornAt, freshUntil, refreshAt, staleWhileRevalidateUntil, staleIfErrorUntil, keepUntil }
  return { ...stamp, ...lifetime, askedAt, mustRevalidate, kind: 'value', value, bytes: 1 }
}

function throughOctets(value: unknown): { value: unknown } | undefined {
  const octets = encode(KEY, valueOf(value))
  const decoded = octets && decode(KEY, octets)
  return decoded?.kind === 'value' ? { value: decoded.value } : undefined
}

test("times stored by a process that started before its machine's clock was corrected are right for other processes and for itself", () => {
  const stored = valueOf('v')
  const octets = encode(KEY, stored, { correction: -3_600_000 })!
  const { askedAt, freshUntil, bornAt, keepUntil } = stored
  expect(decode(KEY, octets)).toMatchObject({
    askedAt: askedAt - 3_600_000,
    bornAt: bornAt - 3_600_000,
    freshUntil: freshUntil - 3_600_000,
    keepUntil: keepUntil - 3_600_000,
  })
  expect(decode(KEY, octets, { correction: -3_600_000 })).toMatchObject({ askedAt, bornAt, freshUntil, keepUntil })
})
