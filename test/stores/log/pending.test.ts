import { expect, test } from 'vitest'
import { Pending, worse } from '../../../src/stores/log/pending.ts'

const fetchedAt = (startedAt: number, tags: readonly string[] = ['t']) => ({
  url: 'a.test/1',
  tags,
  generation: 'g',
  position: 1,
  checked: 1,
  startedAt,
})

test('a pending record makes what it names dead or stale if fetched before it, and does not affect later fetches', () => {
  const pending = new Pending(100)
  pending.add({ mode: 'purge', targets: ['tag t'], at: 10 })
  pending.add({ mode: 'invalidate', targets: ['tag u'], at: 20 })
  const verdicts = (tag: string) => [-Infinity, 9, 10, 11, 20, 21].map((at) => pending.verdict(fetchedAt(at, [tag])))
  expect(verdicts('t')).toEqual(['dead', 'dead', 'dead', 'valid', 'valid', 'valid'])
  expect(verdicts('u')).toEqual(['stale', 'stale', 'stale', 'stale', 'stale', 'valid'])
  expect(verdicts('other')).toEqual(Array.from({ length: 6 }, () => 'valid'))
})

test('a pending record is forgotten once the log shows it, even if others are still pending', () => {
  const pending = new Pending(100)
  const records = [1, 2].map((at) => ({ mode: 'purge', targets: [`tag ${at}`], at }) as const)
  for (const record of records) pending.add(record)
  const verdicts = () => ['1', '2'].map((tag) => pending.verdict(fetchedAt(-Infinity, [tag])))
  expect(verdicts()).toEqual(['dead', 'dead'])
  for (const record of records.slice(0, 1)) pending.remove(record)
  expect(verdicts()).toEqual(['valid', 'dead'])
  for (const record of records) pending.remove(record)
  expect(verdicts()).toEqual(['valid', 'valid'])
})

test('a record shown twice does not cancel others that name the same target', () => {
  const pending = new Pending(100)
  const [one, other] = [1, 2].map((at) => ({ mode: 'purge', targets: ['tag t'], at }) as const)
  for (const record of [one, other]) if (record !== undefined) pending.add(record)
  expect(pending.added).toBe(2)
  for (const _ of ['once', 'twice']) if (one !== undefined) pending.remove(one)
  expect(pending.verdict(fetchedAt(1))).toBe('dead')
})

test('the worse of two verdicts counts', () => {
  const verdicts = ['valid', 'stale', 'dead'] as const
  for (const [bad, worst] of verdicts.entries()) {
    for (const other of verdicts.slice(0, bad + 1)) {
      expect([worse(worst, other), worse(other, worst)]).toEqual([worst, worst])
    }
  }
})

test('beyond the number of remembered targets everything older is dead', () => {
  const pending = new Pending(2)
  for (let at = 1; at <= 9; at++) pending.add({ mode: 'purge', targets: [`tag ${at}`], at })
  expect([pending.verdict(fetchedAt(1, ['other'])), pending.verdict(fetchedAt(9, ['other']))]).toEqual([
    'dead',
    'valid',
  ])
})
