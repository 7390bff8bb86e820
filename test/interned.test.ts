import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { interned } from '../src/interned.ts'
import fc from './support/fast-check.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('fields stay unchanged, however many and long, in a list of their own', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 100 }), { maxLength: 2_000 }), (fields) => {
      const list = interned(fields)
      expect(list).toEqual(fields)
      expect(list).not.toBe(fields)
    }),
    { numRuns: 20 },
  )
})

test('equal strings are kept once', () => {
  const received = () =>
    Buffer.from('Content-Type: text/plain; charset=utf-8; boundary=ab').toString('latin1').split(': ')
  const used = () => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const count = 50_000
  const before = used()
  const lists = Array.from({ length: count }, () => interned(received()))
  const bytesEach = (used() - before) / lists.length
  expect(bytesEach).toBeLessThan(100) // the list alone takes 72
})
