import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Events, type OriginEvent } from '../../src/events.ts'
import { logOrigins } from '../../src/logging/origin-log.ts'
import { FakeClock } from '../support/fake-clock.ts'

const ASKED = { origin: 'api', route: 'all', reason: 'uri-miss', ms: 1 } as const
const REFUSED: OriginEvent = { ...ASKED, code: 'origin_refused', why: '10.0.0.5:3000: connect ECONNREFUSED' }

function logging() {
  const lines: Record<string, unknown>[] = []
  const events = new Events()
  const clock = new FakeClock()
  const end = logOrigins(
    events,
    pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) }),
    clock,
  )
  return { lines, events, clock, end }
}

test("the reason of an origin's failure is logged at once, and the number of failures every ten seconds", async () => {
  const { lines, events, clock } = logging()
  const line = { level: 40, origin: 'api', code: 'origin_refused', why: REFUSED.why, msg: 'requests to an origin fail' }
  events.emit('origin', REFUSED)
  expect(lines).toEqual([{ ...line, failures: 1 }])
  await clock.advance(5_000)
  for (let n = 0; n < 99; n++) events.emit('origin', REFUSED)
  expect(lines).toHaveLength(1)
  await clock.advance(5_000)
  events.emit('origin', REFUSED)
  expect(lines.slice(1)).toEqual([{ ...line, failures: 100 }])
})

test('each origin is logged separately', () => {
  const { lines, events } = logging()
  for (const origin of ['a', 'b', 'a', 'b']) events.emit('origin', { ...REFUSED, origin })
  expect(lines.map(({ origin }) => origin)).toEqual(['a', 'b'])
})

test('an answer, or a client that has left, does not count as an origin failure', () => {
  const { lines, events } = logging()
  for (const code of ['200', '503', 'client_gone']) events.emit('origin', { ...ASKED, code })
  expect(lines).toEqual([])
})

test("control characters in an origin's reason do not reach the terminal", () => {
  const { lines, events } = logging()
  events.emit('origin', { ...REFUSED, why: `\x1b[2J${'x'.repeat(1_000)}` })
  expect(lines[0]?.['why']).toMatch(/^\\x1b\[2Jx{1,300}…$/)
})

test('exchanges aborted on close do not count as origin failures', () => {
  const { lines, events, end } = logging()
  end()
  events.emit('origin', REFUSED)
  expect(lines).toEqual([])
})
