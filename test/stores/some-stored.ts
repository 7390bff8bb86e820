/** Any stored entry that the cache could have created. */
import { Body } from '../../src/body.ts'
import type { Lifetime, Order, PartialContent, Stamp, Stored } from '../../src/model.ts'
import fc from '../support/fast-check.ts'

export const bodyOf = (stored: Stored | undefined): Buffer | undefined =>
  stored?.kind === 'response' ? stored.body.bytes : undefined

const text = fc.string({ unit: 'binary' })
const texts = fc.array(text, { maxLength: 5 })
/** Turns -0 into 0, as times are sums and never -0. */
const positive = (ms: number): number => ms + 0
const time = fc.oneof(fc.double({ noNaN: true, min: -1e15 }).map(positive), fc.constant(Number.POSITIVE_INFINITY))
const position = fc.maxSafeNat()

const stamp: fc.Arbitrary<Stamp> = fc
  .record({ url: text, tags: texts, generation: fc.uuid(), position, startedAt: fc.double({ noNaN: true }) })
  .map((stamp) => ({ ...stamp, checked: stamp.position }))

const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map(positive)

const times: fc.Arbitrary<Order & Lifetime> = fc.record({
  askedAt: finite,
  bornAt: finite,
  freshUntil: time,
  refreshAt: time,
  staleWhileRevalidateUntil: time,
  staleIfErrorUntil: time,
  keepUntil: time,
  mustRevalidate: fc.boolean(),
})

const letters = 'abcdefghijklmnopqrstuvwxyz-_.~!'
const name = fc
  .string({ unit: fc.constantFrom(...letters.split('')), minLength: 1, maxLength: 12 })
  .map((word) => `x-${word}`)
const value = fc
  .array(fc.integer({ min: 0x20, max: 0xff }), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes.filter((code) => code !== 0x7f)))
const fields = fc.array(fc.tuple(name, value), { maxLength: 6 }).map((lines) => lines.flat())
const bytes = fc.uint8Array({ maxLength: 3000 }).map((body) => Buffer.from(body))

/** There are gaps between the parts. */
function partOf(length: number): fc.Arbitrary<PartialContent | undefined> {
  if (length === 0) return fc.constant(undefined)
  return fc
    .record({
      cut: fc.integer({ min: 0, max: length - 1 }),
      first: fc.nat(),
      asked: fc.option(value, { nil: undefined }),
      contentRange: fc.option(value, { nil: undefined }),
      more: fc.option(fc.nat(), { nil: undefined }),
      reachesEnd: fc.boolean(),
    })
    .map(({ cut, first, more, ...rest }) => {
      const parts = [{ first: first + cut + 2, last: first + length + 1 }]
      if (cut > 0) parts.unshift({ first, last: first + cut - 1 })
      return { ...rest, parts, complete: more === undefined ? undefined : first + length + 2 + more }
    })
}

const responses = fc
  .tuple(stamp, times, fields, bytes, fc.integer({ min: 200, max: 599 }), fc.dictionary(name, value, { maxKeys: 3 }))
  .chain(([stamp, times, fields, body, status, selecting]) =>
    partOf(body.length).map((partial) => ({
      kind: 'response' as const,
      ...stamp,
      ...times,
      status,
      fields,
      body: Body.of(body),
      varyOn: Object.keys(selecting),
      vary: Object.entries(selecting).flatMap(([on, value]) => [on, value === '' ? '\0' : value]),
      partial,
    })),
  )

/** JSON has no -0. */
const json = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)))

const values = fc
  .tuple(stamp, times, fc.oneof(json, text, fc.uint8Array()))
  .map(([stamp, times, value]) => ({ kind: 'value' as const, ...stamp, ...times, value, bytes: 1 }))

const varies = fc
  .tuple(
    stamp,
    fc.array(name, { minLength: 1, maxLength: 5 }),
    texts,
    fc.array(fc.tuple(text, text), { maxLength: 5 }),
    times,
  )
  .map(([stamp, on, variants, languages, { askedAt, keepUntil }]) => ({
    kind: 'varies' as const,
    ...stamp,
    askedAt,
    on,
    variants,
    languages,
    keepUntil,
  }))

const unshareable = fc
  .tuple(stamp, finite)
  .map(([stamp, keepUntil]) => ({ kind: 'unshareable' as const, ...stamp, keepUntil }))

export const someStored: fc.Arbitrary<Stored> = fc.oneof(responses, values, varies, unshareable)
