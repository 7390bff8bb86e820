import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KnownHeads } from '../../src/lane/known-heads.ts'
import { readPlainHead } from '../../src/lane/plain-head.ts'
import { Resource } from '../../src/lane/resources.ts'

const RESOURCE = new Resource('http://a.test/', 'http')

const octetsOf = (target: string, ...lines: string[]) =>
  Buffer.from(`${[`GET ${target} HTTP/1.1`, 'Host: a.test', ...lines].join('\r\n')}\r\n\r\n`, 'latin1')

/** Comes once: whether it was known, and is added if not. */
function comes(heads: KnownHeads, octets: Buffer): boolean {
  if (heads.get(octets, octets.length) !== undefined) return true
  const head = readPlainHead(octets)
  if (head === undefined) throw new Error('no plain head')
  heads.add({ head, resource: RESOURCE })
  return false
}

test('who comes again is known, whatever becomes of the memory it came in', () => {
  const heads = new KnownHeads()
  const octets = octetsOf('/a')
  const again = Buffer.from(octets)
  expect(comes(heads, octets)).toBe(false)
  octets.fill('x')
  expect(heads.get(again, again.length)).toMatchObject({ resource: RESOURCE, head: { target: '/a', host: 'a.test' } })
})

test('only its own octets count, wherever they stand and whatever stands behind', () => {
  const heads = new KnownHeads()
  const octets = octetsOf('/a')
  comes(heads, octets)
  for (const shift of [0, 1, 2, 3]) {
    const memory = Buffer.concat([Buffer.alloc(shift), octets, Buffer.from('GET /b')]).subarray(shift)
    expect(heads.get(memory, octets.length)?.head.target, `shifted by ${shift}`).toBe('/a')
    expect(heads.get(memory, octets.length + 1)).toBeUndefined()
    expect(heads.get(memory, octets.length - 1)).toBeUndefined()
  }
})

test('nobody is taken for another, however little they differ', () => {
  const octets = octetsOf('/abcdefghijklmnopqrstuvwxyz', 'Accept: */*')
  fc.assert(
    fc.property(fc.nat(octets.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(3), (at, change, shift) => {
      const heads = new KnownHeads()
      comes(heads, octets)
      const other = Buffer.concat([Buffer.alloc(shift), octets]).subarray(shift)
      other[at] = (other[at] ?? 0) ^ change
      expect(heads.get(other, other.length)).toBeUndefined()
    }),
  )
})

test('where no two are alike, few are kept; who comes often is known after a while', () => {
  const heads = new KnownHeads()
  const often = octetsOf('/often')
  for (let n = 0; n < 20_000; n++) comes(heads, octetsOf(`/${n}`))
  let times = 0
  while (!comes(heads, often)) times++
  expect(times).toBeLessThan(40)
})

test('neither credentials nor long heads are kept', () => {
  const heads = new KnownHeads()
  for (const line of ['Authorization: Bearer x', 'Cookie: a=b', `X: ${'x'.repeat(1_024)}`]) {
    const octets = octetsOf('/a', line)
    comes(heads, octets)
    expect(comes(heads, octets), line.slice(0, 20)).toBe(false)
  }
})
