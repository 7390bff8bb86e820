import { Body } from '../../../src/body.ts'
import type { Stored, StoredResponse } from '../../../src/model.ts'
import { decode, encode } from '../../../src/stores/codec/codec.ts'
import { readStored } from '../../../src/stores/codec/layout.ts'
import { OctetReader } from '../../../src/stores/codec/octets.ts'
import { sealWith } from '../../../src/stores/codec/seal.ts'
import { must, mustEqual, type Target } from '../target.ts'

const KEY = 'k'
const CRC_OCTETS = 4

/** An entry from a shared store without its seal, which is added: seals detect damage, but not malicious writers. */
export const stored: Target = {
  name: 'stored',
  covers: [
    'src/stores/codec/codec.ts',
    'src/stores/codec/layout.ts',
    'src/stores/codec/octets.ts',
    'src/stores/codec/sound.ts',
    'src/stores/codec/value-octets.ts',
  ],
  dictionary: [
    [
      'hgsd\x02\0',
      'hgsd\x02\x01',
      'hgsd\x02\x02',
      'hgsd\x02\x03',
      'hgsd\x01',
      '\0\0\0\x01k',
      '\0\0\0\0',
      '\xff\xff\xff\xff',
    ],
    [
      '\x7f\xff\xff\xff',
      '\x7f\xf0\0\0\0\0\0\0',
      '\xff\xf0\0\0\0\0\0\0',
      '\x7f\xf8\0\0\0\0\0\0',
      '\x43\xe0\0\0\0\0\0\0',
    ],
    ['\0\0\0\x0aConnection', '\r\nX: y', '{"__proto__":1}', '[[[[', '\xed\xa0\x80', '\0\0\0\xc8'],
  ].flat(),
  seeds: seeds(),
  maxLength: 64 * 1024,
  run,
}

function run(input: string): string {
  const content = Buffer.from(input, 'latin1')
  const octets = Buffer.concat([content, sealWith(undefined).of(content)])
  const found = decode(KEY, octets)
  mustEqual('what is of another key is nothing', decode(`${KEY}2`, octets), undefined)
  if (found === undefined) return `nothing ${readStored(new OctetReader(content), KEY)?.kind}`
  sound(found)
  const again = encode(KEY, found)
  must('what was decoded can be encoded', again !== undefined, found)
  if (found.kind !== 'value') mustEqual('in one way only', again?.toString('latin1'), octets.toString('latin1'))
  return found.kind
}

/** Checks whatever could harm a client. */
function sound(found: Stored): void {
  must('a position counts', Number.isSafeInteger(found.position) && found.position >= 0, found.position)
  if (found.kind !== 'response') return
  must('a status is final', found.status >= 200 && found.status <= 599, found.status)
  for (const text of found.fields) must('no field splits a message', !/[\r\n\0]/.test(text), text)
  const { partial, body } = found
  const parts = partial?.parts.map(({ first, last }) => last - first + 1) ?? []
  if (partial)
    mustEqual(
      'parts are in the body',
      body.length,
      parts.reduce((sum, length) => sum + length, 0),
    )
}

function seeds(): string[] {
  const stamp = { url: 'a.test/', tags: ['t', 'ü'], generation: 'g', position: 7, checked: 7, startedAt: 0 }
  const lifetime = { bornAt: 1, freshUntil: 2, refreshAt: Number.POSITIVE_INFINITY, staleWhileRevalidateUntil: 3 }
  const times = { askedAt: 0, ...lifetime, staleIfErrorUntil: 4, keepUntil: 5, mustRevalidate: true }
  const response: StoredResponse = {
    ...stamp,
    ...times,
    kind: 'response',
    status: 200,
    fields: ['ETag', '"1"', 'Date', 'x'],
    body: Body.of(Buffer.from('body')),
    varyOn: ['accept'],
    vary: ['accept', '\0'],
  }
  const parts = [
    { first: 0, last: 1 },
    { first: 5, last: 6 },
  ]
  const partial = { parts, complete: 9, reachesEnd: true, asked: 'bytes=0-', contentRange: 'bytes 0-1/9' }
  const value = { kind: 'value' as const, ...stamp, ...times, bytes: 1 }
  const all: Stored[] = [
    response,
    { ...response, status: 206, partial },
    ...[{ a: [1, 'x', null] }, 'text', Buffer.from('b'), Uint8Array.of(1), undefined].map((of) => ({
      ...value,
      value: of,
    })),
    { kind: 'varies', ...stamp, askedAt: 0, on: ['accept'], variants: ['v'], languages: [['n', 'k']], keepUntil: 1 },
    { kind: 'unshareable', ...stamp, keepUntil: 9 },
  ]
  return all.map((one) => encode(KEY, one)?.subarray(0, -CRC_OCTETS).toString('latin1') ?? '')
}
