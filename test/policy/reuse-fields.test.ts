import { expect, test } from 'vitest'
import type { CacheRequest, StoredResponse } from '../../src/model.ts'
import { SECRETS } from '../../src/policy/fields/credentials.ts'
import { REUSE_FIELDS } from '../../src/policy/reuse-fields.ts'
import { rangeLines } from '../../src/policy/range.ts'
import { classify } from '../../src/policy/request.ts'
import { decide } from '../../src/policy/reuse.ts'
import { loops } from '../../src/policy/fields/via.ts'
import fc from '../support/fast-check.ts'
import { entryWith, foundWith, NOW, rulesWith } from './support.ts'

/** Fields that have a meaning somewhere, with sample values. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  Accept: ['*/*'],
  'Accept-Encoding': ['gzip'],
  Age: ['5'],
  Authorization: ['Basic eDp5'],
  'Cache-Control': ['no-cache', 'no-store', 'max-age=0', 'only-if-cached', 'max-stale', 'min-fresh=99'],
  Connection: ['keep-alive'],
  'Content-Length': ['0'],
  Cookie: ['a=b'],
  Date: ['Thu, 01 Jan 2026 00:00:00 GMT'],
  Expires: ['0'],
  Host: ['a.test'],
  'If-Match': ['"1"'],
  'If-Modified-Since': ['Thu, 01 Jan 2026 00:00:00 GMT'],
  'If-None-Match': ['"1"', '*'],
  'If-Range': ['"1"'],
  'If-Unmodified-Since': ['Thu, 01 Jan 2026 00:00:00 GMT'],
  Origin: ['http://b.test'],
  Pragma: ['no-cache'],
  'Proxy-Authorization': ['Basic eDp5'],
  Range: ['bytes=0-1', 'lines=1-2'],
  Referer: ['http://b.test/'],
  'User-Agent': ['x'],
  Via: ['1.1 herdgate'],
  'X-Forwarded-For': ['192.0.2.1'],
  ...Object.fromEntries(SECRETS.map((name) => [name, ['k']])),
}

const line = fc
  .constantFrom(...Object.keys(LINES))
  .chain((name) => fc.constantFrom(...(LINES[name] ?? [])).map((value) => [name, value]))
const fields = fc.array(line, { maxLength: 8 }).map((lines) => lines.flat())

const ENTRIES: readonly (StoredResponse | undefined)[] = [
  undefined,
  entryWith(),
  entryWith({ status: 401 }),
  entryWith({ freshUntil: NOW - 1, staleWhileRevalidateUntil: NOW + 1000 }),
  entryWith({ freshUntil: NOW - 1, mustRevalidate: true }),
  entryWith({ refreshAt: NOW - 1 }),
]
const COOKIES = ['safe', 'ignore', 'rfc'] as const

function judged(request: CacheRequest, entry: StoredResponse | undefined, cookies: (typeof COOKIES)[number]): unknown {
  const rules = rulesWith({ cookies })
  const decision = decide(request, foundWith(entry), rules, NOW)
  const isRefused = request.plain !== true && loops(request.fields, rules.via) // not checked for a plain request
  return [isRefused, classify(request, rules), rangeLines(request), decision]
}

test('the decision on a plain request does not depend on its fields', () => {
  const every = [
    fc.constantFrom('GET', 'HEAD'),
    fields,
    fc.constantFrom(...ENTRIES),
    fc.constantFrom(...COOKIES),
  ] as const
  fc.assert(
    fc.property(...every, (method, lines, entry, cookies) => {
      const isPlain = !lines.some((name, at) => at % 2 === 0 && REUSE_FIELDS.has(name.toLowerCase()))
      const request = { method, url: 'http://a.test/', fields: lines }
      if (!isPlain) return
      expect(judged({ ...request, plain: true }, entry, cookies)).toEqual(judged(request, entry, cookies))
    }),
    { numRuns: 3_000 },
  )
})

test('every field that bears on reuse changes the decision on some request', () => {
  for (const name of REUSE_FIELDS) {
    const spelled = Object.keys(LINES).find((each) => each.toLowerCase() === name) ?? name
    const extra = name === 'if-range' ? ['Range', 'bytes=0-1'] : []
    const differs = (LINES[spelled] ?? []).some((value) =>
      ENTRIES.some((entry) => {
        const without = { method: 'GET', url: 'http://a.test/', fields: extra }
        const withIt = { ...without, fields: [...extra, spelled, value] }
        return COOKIES.some(
          (cookies) =>
            JSON.stringify(judged(withIt, entry, cookies)) !== JSON.stringify(judged(without, entry, cookies)),
        )
      }),
    )
    expect([name, differs]).toEqual([name, true])
  }
})
