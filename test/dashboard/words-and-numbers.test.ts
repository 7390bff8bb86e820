import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Outcome } from '../../src/model.ts'
import { events } from '../../src/dashboard/api.js'
import { bytes, count, duration, ms, percent, rate } from '../../src/dashboard/format.js'
import { median } from '../../src/dashboard/numbers.js'
import { reason, RESULTS } from '../../src/dashboard/reason.js'
import { ADMIN_TOKEN } from '../../src/config/admin-token.ts'
import { RESULTS as ALL_RESULTS } from '../../src/model.ts'

test('numbers have a readable precision', () => {
  expect([0, 9_999, 12_345, 4_200_000].map(count)).toEqual(['0', '9,999', '12.3K', '4.2M'])
  expect([0, 0.25, 9.96, 35.4].map(rate)).toEqual(['0', '0.3', '10', '35'])
  expect([0, 0.5, 0.9999, 1].map(percent)).toEqual(['0 %', '50 %', '>99 %', '100 %'])
  expect([1e-6, 0.0049, 0.005, 0.994, 0.995].map(percent)).toEqual(['<1 %', '<1 %', '1 %', '99 %', '>99 %'])
  expect([0, 0.12, 9.94, 812.4, 1240, 31_000].map(ms)).toEqual([
    '<0.1 ms',
    '0.1 ms',
    '9.9 ms',
    '812 ms',
    '1.2 s',
    '31 s',
  ])
  expect([0, 61_000, 3_720_000, 180_000_000].map(duration)).toEqual(['0 s', '1 min 1 s', '1 h 2 min', '2 d 2 h'])
  expect([0, 1023, 1024, 300_000, 2 ** 40].map(bytes)).toEqual(['0 B', '1023 B', '1.0 KiB', '293 KiB', '1.0 TiB'])
})

test('the median of a histogram is within the bucket that holds it', () => {
  const bounds = [1, 10, 100]
  expect(median([0, 0, 0, 0], bounds)).toBeUndefined()
  expect(median([1, 5, 1, 0], bounds)).toBeCloseTo(Math.sqrt(10))
  expect(median([4, 0, 0, 0], bounds)).toBe(1)
  expect(median([0, 0, 0, 3], bounds)).toBe(100)
})

test('each result has a description and a place in the stack', () => {
  expect(RESULTS.toSorted()).toEqual(ALL_RESULTS.toSorted())
  for (const result of RESULTS) expect(reason({ result }), result).toMatch(/^[a-z]/)
})

test.each<[Outcome, string]>([
  [{ result: 'hit', ttlMs: 42_500 }, 'fresh for another 42 s'],
  [{ result: 'hit', ttlMs: Number.POSITIVE_INFINITY }, 'fresh'],
  [
    { result: 'stale', detail: 'soft-timeout' },
    'the origin took longer than the soft timeout, so the stale copy was served',
  ],
  [{ result: 'stale_if_error', fwdStatus: 503 }, 'the origin failed with 503, so the stale copy was served'],
  [{ result: 'miss', fwd: 'uri-miss', stored: true }, 'nothing was stored for it; stored now'],
  [{ result: 'miss', fwd: 'stale', detail: 'no-store' }, 'the stored copy had expired; not stored (no-store)'],
  [{ result: 'pass', fwd: 'method' }, 'its method always goes to the origin'],
  [{ result: 'pass', fwd: 'uri-miss', detail: 'set-cookie' }, 'its answer is for one client only (set-cookie)'],
  [{ result: 'pass', fwd: 'uri-miss', detail: 'method' }, 'a HEAD brings no content to store'],
  [{ result: 'pass', fwd: 'request', detail: 'request-no-store' }, 'the client wants its answer not to be stored'],
  [{ result: 'pass', fwd: 'request', detail: 'precondition' }, 'its precondition is for the origin to judge'],
  [{ result: 'pass', fwd: 'partial', detail: 'too-large' }, 'its answer is too large to store'],
  [{ result: 'pass', detail: 'max-forwards' }, 'answered here, as Max-Forwards lets it go no further'],
  [{ result: 'shed', detail: 'overloaded' }, 'too many requests were waiting, or memory was short'],
  [{ result: 'error', detail: 'origin_timeout' }, 'origin timeout'],
])('%j: %s', (outcome, words) => expect(reason(finite(outcome))).toBe(words))

/** After a JSON round trip. */
const finite = (outcome: Outcome): Outcome => JSON.parse(JSON.stringify(outcome))

test('events are parsed however they are split', async () => {
  const text = 'retry: 2000\n\ndata: {"at":1}\n\ndata: {"at":2}\n\n'
  for (const size of [1, 7, text.length]) {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
      text.slice(at * size, (at + 1) * size),
    )
    const read = await Array.fromAsync(events(chunksOf(chunks)))
    expect(read).toEqual([{ at: 1 }, { at: 2 }])
  }
})

async function* chunksOf(chunks: readonly string[]) {
  yield* chunks
}

test('the log-in accepts exactly the tokens that can be configured', () => {
  const main = readFileSync(new URL('../../src/dashboard/main.js', import.meta.url), 'utf8')
  expect(main).toContain(`const TOKEN = ${ADMIN_TOKEN}\n`)
})
