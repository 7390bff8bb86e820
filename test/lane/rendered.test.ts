import { expect, test } from 'vitest'
import { Body } from '../../src/body.ts'
import type { Hit } from '../../src/cache/http/hit.ts'
import { readPlainHead } from '../../src/lane/plain-head.ts'
import { Rendered, Renderer } from '../../src/lane/rendered.ts'
import type { StoredResponse } from '../../src/model.ts'
import { precondition } from '../../src/policy/validation.ts'
import { entryWith, NOW, requestWith, routeWith } from '../policy/support.ts'
import fc from '../support/fast-check.ts'

function hitOn(entry: StoredResponse, now = NOW): Hit {
  return { route: routeWith(), entry, now, outcome: { result: 'hit', ttlMs: entry.freshUntil - now } }
}

const renderer = () => new Renderer('\r\n', () => 'OK')
const small = () => entryWith({ body: Body.of(Buffer.from('hello')) })

test('an answer is rendered once a second', () => {
  const all = renderer()
  const entry = small()
  const at = (ms: number) => {
    const hit = hitOn(entry, NOW + ms)
    return all.octets(all.for(hit), hit, 'whole')
  }
  const first = at(0)
  expect(first.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\nAge: 0\r\n.*ttl=60\r\nContent-Length: 5\r\n\r\nhello$/s)
  const again = at(0)
  expect(again).toEqual(first)
  expect(at(0)).toBe(again)
  expect(at(1500)).not.toBe(first)
  expect(at(1500).toString()).toContain('\r\nAge: 1\r\n')
})

test('it is rendered again when its age or remaining lifetime changes', () => {
  const all = renderer()
  const entry = entryWith({ bornAt: NOW, freshUntil: NOW + 60_500 })
  const at = (ms: number) => all.for(hitOn(entry, NOW + ms))
  expect([0, 400, 600, 999, 1_000].map((ms) => [at(ms).age, at(ms).ttl])).toEqual([
    [0, 60],
    [0, 60],
    [0, 59],
    [0, 59],
    [1, 59],
  ])
})

test('an answer to HEAD ends with its head; a 204 has no Content-Length', () => {
  const all = renderer()
  const octets = (entry: StoredResponse, form: 'whole' | 'head') => {
    const hit = hitOn(entry)
    return all.octets(all.for(hit), hit, form).toString()
  }
  expect(octets(small(), 'head')).toMatch(/\r\nContent-Length: 5\r\n\r\n$/)
  expect(octets(entryWith({ status: 204 }), 'whole')).not.toContain('Content-Length')
})

test('rendered answers are bounded', () => {
  const all = renderer()
  const hit = hitOn(small())
  const hot = (of: Hit) => {
    all.for(of)
    return all.octets(all.for(of), of, 'whole')
  }
  const first = hot(hit)
  expect(hot(hit)).toBe(first)
  let bytes = 0
  for (let n = 0; n < 1_200; n++) {
    const other = hitOn(entryWith({ body: Body.of(Buffer.alloc(16_000)) }))
    bytes += hot(other).length
  }
  expect(bytes).toBeGreaterThan(16 * 2 ** 20)
  expect(hot(hit)).not.toBe(first)
})

test('records of answers are bounded too, even if none is requested twice', () => {
  const all = renderer()
  const hit = hitOn(small())
  const known = all.for(hit)
  expect(all.for(hit)).toBe(known)
  for (let n = 0; n < 70_000; n++) all.for({ ...hit, entry: { ...hit.entry } })
  expect(all.for(hit)).not.toBe(known)
})

test('a rendered answer retains no more memory than its octets', () => {
  const all = renderer()
  const hit = hitOn(small())
  all.for(hit)
  const octets = all.octets(all.for(hit), hit, 'whole')
  expect(octets.buffer.byteLength).toBe(octets.length)
})

test('large content is not copied', () => {
  const all = renderer()
  const hit = hitOn(entryWith({ body: Body.of(Buffer.alloc(20_000)) }))
  expect(all.octets(all.for(hit), hit, 'whole').toString()).toMatch(/Content-Length: 20000\r\n\r\n$/)
})

const tag = fc.constantFrom('"1"', 'W/"1"', '"2"', '"a,b"', '""', '1', '*', 'a, b', '"1', '"1", "2"', 'W/"1", "2"')

test('a match by entity tag also passes the full comparison', () => {
  fc.assert(
    fc.property(tag, tag, fc.constantFrom(200, 404), (stored, asked, status) => {
      const entry = entryWith({ status }, { ETag: stored })
      const head = readPlainHead(Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: ${asked}\r\n\r\n`))
      if (head === undefined) throw new Error('no plain head')
      const isFound = new Rendered(entry, 0, 0).matchesIfNoneMatch(head)
      const verdict = precondition(requestWith({ 'If-None-Match': asked }), status, entry.fields)
      if (isFound) expect(verdict).toBe('not-modified')
      // Common tags are found without the full comparison.
      if (status === 200 && stored === asked && /^(W\/)?"[^"]*"$/.test(stored)) expect(isFound).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

test('several If-None-Match lines are not mistaken for one', () => {
  const lines = 'If-None-Match: "1"\r\nIf-None-Match: "2"\r\n'
  const head = readPlainHead(Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`))
  expect(head).toMatchObject({ isConditional: true, tagFrom: 0, tagTo: 0 })
})
