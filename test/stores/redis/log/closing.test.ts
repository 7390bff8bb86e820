import { expect, test } from 'vitest'
import { Closing } from '../../../../src/stores/redis/log/closing.ts'
import { FakeClock, settle } from '../../../support/fake-clock.ts'

function waiting() {
  const clock = new FakeClock()
  const ended: string[] = []
  const note = (what: string) => () => void ended.push(what)
  return { clock, closing: new Closing(clock), ended, note }
}

test('sleep lasts as long as requested', async () => {
  const { clock, closing, ended, note } = waiting()
  void closing.sleep(50).then(note('slept'))
  await clock.advance(49)
  expect(ended).toEqual([])
  await clock.advance(1)
  expect(ended).toEqual(['slept'])
})

test('every wait ends when closing begins, and leaves no timer behind', async () => {
  const { clock, closing, ended, note } = waiting()
  void closing.sleep(50).then(note('slept'))
  void closing.orBegun(new Promise(() => {})).then(note('waited'))
  closing.onBegin(note('called'))
  closing.begin()
  await settle()
  expect(ended.toSorted()).toEqual(['called', 'slept', 'waited'])
  expect(clock.pending).toBe(0)
})

test('no wait starts once closing has begun', async () => {
  const { clock, closing, ended, note } = waiting()
  closing.begin()
  await closing.sleep(50)
  await closing.orBegun(new Promise(() => {}))
  closing.onBegin(note('called'))
  closing.begin()
  expect([ended, clock.pending]).toEqual([[], 0])
})

test('a removed listener is not called', () => {
  const { closing, ended, note } = waiting()
  closing.onBegin(note('called'))()
  closing.begin()
  expect(ended).toEqual([])
})
