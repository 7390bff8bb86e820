import { expect, test } from 'vitest'
import { Journal, type JournalEntry, MAX_BYTES, MAX_ENTRIES } from '../../../src/stores/log/journal.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const MINUTE = 60_000
const logged = { generation: 'g', position: 1, at: 0 }

function entry(nonce: string, at: number, loggedAt?: number): JournalEntry {
  const where = loggedAt === undefined ? undefined : logged
  return { nonce, mode: 'purge', targets: [`tag ${nonce}`], at, where, failures: 0, loggedAt }
}

const ANOTHER = { generation: 'h', holds: () => false }

const nonces = (entries: readonly JournalEntry[]) => entries.map(({ nonce }) => nonce)

test('a record that was never logged stays pending, for any length of time', async () => {
  const clock = new FakeClock()
  const journal = new Journal(clock)
  journal.add(entry('old', clock.now()))
  await clock.advance(60 * MINUTE)
  expect(journal.add(entry('new', clock.now()))).toEqual([])
  expect(nonces(journal.unlogged())).toEqual(['old', 'new'])
})

test('a logged record is remembered for minutes after logging, whenever it was requested', async () => {
  const clock = new FakeClock()
  const journal = new Journal(clock)
  journal.add(entry('late', clock.now() - 60 * MINUTE, clock.now()))
  await clock.advance(9 * MINUTE)
  journal.generationChanged(ANOTHER)
  expect(nonces(journal.unlogged())).toEqual(['late'])
  await clock.advance(MINUTE)
  expect(journal.unlogged()).toEqual([])
  expect(nonces(journal.add(entry('next', clock.now())))).toEqual(['late'])
})

test('if the log continues the previous one, records held there count as logged, at their positions', () => {
  const clock = new FakeClock()
  const journal = new Journal(clock)
  const [held, lost] = [1, 2].map((position) => ({
    ...entry(`${position}`, clock.now(), clock.now()),
    where: { generation: 'g', position, at: 0 },
  }))
  for (const each of [held, lost]) if (each !== undefined) journal.add(each)
  journal.generationChanged({
    generation: 'h',
    holds: ({ generation, position }) => generation === 'g' && position <= 1,
  })
  expect(nonces(journal.unlogged())).toEqual(['2'])
  expect(held?.where).toEqual({ generation: 'h', position: 1, at: 0 })
})

test('when there are too many, the oldest logged record is dropped, even behind pending ones', () => {
  const clock = new FakeClock()
  const journal = new Journal(clock)
  journal.add(entry('waiting', clock.now()))
  for (let number = 1; number < MAX_ENTRIES; number++) journal.add(entry(`${number}`, clock.now(), clock.now()))
  expect(nonces(journal.add(entry('next', clock.now())))).toEqual(['1'])
  expect(nonces(journal.add(entry('after', clock.now())))).toEqual(['2'])
  expect(nonces(journal.unlogged())).toEqual(['waiting', 'next', 'after'])
})

test('when there are too many and none is logged, all are dropped at once, and reported', () => {
  const clock = new FakeClock()
  const journal = new Journal(clock)
  for (let number = 0; number < MAX_ENTRIES; number++) expect(journal.add(entry(`${number}`, clock.now()))).toEqual([])
  expect(journal.add(entry('next', clock.now()))).toHaveLength(MAX_ENTRIES)
  expect(nonces(journal.unlogged())).toEqual(['next'])
})

test('it is bounded in bytes as well', () => {
  const clock = new FakeClock()
  const journal = new Journal(clock)
  const large = (nonce: string): JournalEntry => {
    const targets = Array.from({ length: 256 }, (_, at) => `tag ${at}`.padEnd(256, nonce))
    return { ...entry(nonce, clock.now(), clock.now()), targets }
  }
  const most = Math.ceil(MAX_BYTES / (256 * 256))
  for (let number = 0; number < most; number++) journal.add(large(`${number}`))
  journal.generationChanged(ANOTHER)
  const kept = nonces(journal.unlogged())
  expect(kept.length).toBeLessThan(most)
  expect(kept.length).toBeGreaterThan(most / 4)
  expect(kept.at(-1)).toBe(`${most - 1}`)
})
