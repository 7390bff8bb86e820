import { expect, test } from 'vitest'
import { KnownHeads } from '../../src/lane/known-heads.ts'
import { readPlainHead } from '../../src/lane/plain-head.ts'
import { Resource } from '../../src/lane/resources.ts'
import fc from '../support/fast-check.ts'

const RESOURCE = new Resource('http://a.test/', 'http')

const octetsOf = (target: string, ...lines: string[]) =>
  Buffer.from(`${[`GET ${target} HTTP/1.1`, 'Host: a.test', ...lines].join('\r\n')}\r\n\r\n`, 'latin1')

/** Looks up a head and adds it if unknown. @returns whether it was known */
function comes(heads: KnownHeads, octets: Buffer): boolean {
  if (heads.get(octets, octets.length) !== undefined) return true
  const head = readPlainHead(octets)
  if (head === undefined) throw new Error('no plain head')
  heads.add({ head, resource: RESOURCE })
  return false
}

test('a repeated head is recognised, whatever happens to the memory it was in', () => {
  const heads = new KnownHeads()
  const octets = octetsOf('/a')
  const again = Buffer.from(octets)
  expect(comes(heads, octets)).toBe(false)
  octets.fill('x')
  expect(heads.get(again, again.length)).toMatchObject({ resource: RESOURCE, head: { target: '/a', host: 'a.test' } })
})

test("only a head's own octets count, whatever follows them", () => {
  const heads = new KnownHeads()
  const octets = octetsOf('/a')
  comes(heads, octets)
  const memory = Buffer.concat([octets, Buffer.from('GET /b')])
  expect(heads.get(memory, octets.length)?.head.target).toBe('/a')
  expect(heads.get(memory, octets.length + 1)).toBeUndefined()
  expect(heads.get(memory, octets.length - 1)).toBeUndefined()
})

test('in unaligned memory no head is recognised', () => {
  const heads = new KnownHeads()
  const octets = octetsOf('/a')
  const shifted = Buffer.concat([Buffer.alloc(1), octets]).subarray(1)
  for (let times = 0; times < 2; times++) expect(comes(heads, shifted)).toBe(false)
  comes(heads, octets)
  expect(heads.get(shifted, shifted.length)).toBeUndefined()
})

test('no head is mistaken for another, however similar', () => {
  const octets = octetsOf('/abcdefghijklmnopqrstuvwxyz', 'Accept: */*')
  fc.assert(
    fc.property(fc.nat(octets.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const heads = new KnownHeads()
      comes(heads, octets)
      const other = Buffer.from(octets)
      other[at] = (other[at] ?? 0) ^ change
      expect(heads.get(other, other.length)).toBeUndefined()
    }),
  )
})

/** How many of the first 256 heads are still known after this many others, all different. */
function knownAfter(others: number): number {
  const heads = new KnownHeads()
  const first = Array.from({ length: 256 }, (_, n) => octetsOf(`/first/${n}`))
  for (const octets of first) comes(heads, octets)
  for (let n = 0; n < others; n++) comes(heads, octetsOf(`/others/${n}`))
  return first.filter((octets) => heads.get(octets, octets.length) !== undefined).length
}

test('if no two heads are alike, places are rarely reassigned', () => {
  expect(knownAfter(0)).toBeGreaterThan(100)
  expect(knownAfter(256 * 8)).toBe(knownAfter(0))
  expect(knownAfter(256 * 80)).toBeLessThan(5)
})

test('a frequent head is recognised after a while, and stays', () => {
  const heads = new KnownHeads()
  for (let n = 0; n < 256 * 8; n++) comes(heads, octetsOf(`/others/${n}`))
  const often = octetsOf('/often')
  let times = 0
  while (!comes(heads, often)) times++
  expect(times).toBeLessThan(40)
  for (let n = 0; n < 256 * 80; n++) {
    comes(heads, octetsOf(`/more/${n}`))
    expect(heads.get(often, often.length)).toBeDefined()
  }
})

test('neither credentials nor long heads are kept', () => {
  const heads = new KnownHeads()
  for (const line of ['Authorization: Bearer x', 'Cookie: a=b', `X: ${'x'.repeat(1_024)}`]) {
    const octets = octetsOf('/a', line)
    comes(heads, octets)
    expect(comes(heads, octets), line.slice(0, 20)).toBe(false)
  }
})
