import { expect, test } from 'vitest'
import type { Hits, Plan } from '../../src/cache/http/hit.ts'
import { type PlainHead, readPlainHead } from '../../src/lane/plain-head.ts'
import { Resource, Resources } from '../../src/lane/resources.ts'
import type { CacheRequest } from '../../src/model.ts'
import { routeWith } from '../policy/support.ts'
import fc from '../support/fast-check.ts'

function headFor(target: string, host: string): PlainHead {
  const head = readPlainHead(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`))
  if (head === undefined) throw new Error('no plain head')
  return head
}

const SCHEMES = ['http', 'https'] as const
const asked = fc.record({
  target: fc.stringMatching(/^\/[ab/?=]{0,4}$/),
  host: fc.stringMatching(/^[ab.]{0,2}a$/),
  scheme: fc.constantFrom(...SCHEMES),
})

test('a look-up never returns another URL, even from the same place', () => {
  fc.assert(
    fc.property(fc.array(asked, { minLength: 2, maxLength: 40 }), (all) => {
      const resources = new Resources()
      // All in one place, so that the hash does not distinguish them.
      const placed = all.map(({ target, host, scheme }) => {
        const read = headFor(target, host)
        const { octets, targetFrom, targetTo, hostFrom, hostTo } = read
        const head = { ...read, octets, targetFrom, targetTo, hostFrom, hostTo, hash: 7 } as PlainHead
        return { head, scheme, url: `${scheme}://${host}${target}` }
      })
      for (const { head, scheme, url } of placed) {
        const before = resources.get(head, scheme)
        if (before !== undefined) expect(before.url).toBe(url)
        resources.set(head, new Resource(url, scheme))
        expect(resources.get(head, scheme)?.url).toBe(url)
      }
    }),
    { numRuns: 500 },
  )
})

test('entries that are too large are not kept', () => {
  const resources = new Resources()
  const head = headFor(`/${'x'.repeat(600)}`, 'a.test')
  resources.set(head, new Resource('http://a.test/x', 'http'))
  expect(resources.get(head, 'http')).toBeUndefined()
})

test('a plan is made once for plain requests, again after a reload, and every time if fields matter', () => {
  let [made, valid] = [0, true]
  const plan = (general: boolean): Plan => ({ route: routeWith(), ask: {} as Plan['ask'], general, routeAt: 0 })
  const hits = (general: boolean): Pick<Hits, 'planFor' | 'holds'> => ({
    planFor() {
      made++
      return plan(general)
    },
    holds: () => valid,
  })
  const request = (plain: boolean, method = 'GET'): CacheRequest => {
    return { method, url: 'http://a.test/a', fields: [], plain }
  }
  const timesMade = (requests: readonly CacheRequest[], general = true) => {
    const resource = new Resource('http://a.test/a', 'http')
    made = 0
    for (const each of requests) resource.planFor(each, hits(general))
    return made
  }
  expect(timesMade([request(true), request(true), request(true)])).toBe(1)
  expect(timesMade([request(true), request(true, 'HEAD'), request(true), request(true, 'HEAD')])).toBe(2)
  expect(timesMade([request(false), request(false)])).toBe(2)
  expect(timesMade([request(true), request(true)], false)).toBe(2)
  valid = false
  expect(timesMade([request(true), request(true)])).toBe(2)
})
