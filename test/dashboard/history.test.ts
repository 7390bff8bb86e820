import { expect, test } from 'vitest'
import { History, perSecond } from '../../src/dashboard/history.js'
import type { Snapshot } from '../../src/live/live.ts'

const snapshot = (second: number, waiting = 0): Snapshot =>
  ({ at: second * 1000, elapsedMs: 1000, herd: { waiting, fetching: 0 }, recent: [{}] }) as unknown as Snapshot

function historyOf(seconds: readonly number[]) {
  const history = new History()
  for (const second of seconds) history.add(snapshot(second, second))
  return history
}

const waiting = ({ herd }: Snapshot) => herd.waiting

test('shows the requested time span, up to the newest snapshot', () => {
  const view = historyOf([1, 2, 3, 4, 5]).view(2)
  expect([view.from, view.to, view.times, view.column(waiting)]).toEqual([3, 5, [3, 4, 5], [3, 4, 5]])
  expect(view.last?.at).toBe(5000)
})

test('shows at least a minute, and no more than there is', () => {
  expect(historyOf([100, 101]).view(900).from).toBe(41)
  expect(historyOf([100, 300]).view(900).from).toBe(100)
})

test('keeps a quarter of an hour, without requests', () => {
  const view = historyOf(Array.from({ length: 2000 }, (_, at) => at)).view(10_000)
  expect(view.times.length).toBe(900)
  expect(view.rows.every((row) => row?.recent.length === 0)).toBe(true)
})

test('missing snapshots interrupt the line', () => {
  expect(historyOf([1, 2, 30, 31]).view(60).column(waiting)).toEqual([1, 2, null, 30, 31])
})

test('a snapshot older than the newest is dropped', () => {
  expect(historyOf([5, 4, 6]).view(60).times).toEqual([5, 6])
})

test('starts again when the clock changes, as with another node or a clock set back', () => {
  expect(historyOf([1000, 1001, 500, 501]).view(60).column(waiting)).toEqual([500, 501])
})

test('sums the last seconds', () => {
  const view = historyOf([1, 2, 3, 20, 21]).view(60)
  expect([view.sum(2, waiting), view.sum(60, waiting)]).toEqual([41, 47])
})

test('rates are relative to the time a snapshot covers', () => {
  expect(perSecond(30, { ...snapshot(1), elapsedMs: 1500 })).toBe(20)
})
