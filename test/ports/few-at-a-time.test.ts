import { expect, test } from 'vitest'
import { fewAtATime } from '../../src/ports/few-at-a-time.ts'

const turnOfTheEventLoop = () => new Promise((resolve) => setImmediate(resolve))

test('does a few per turn, in order, and all in the end', async () => {
  const inTurn = fewAtATime(3)
  const done: number[] = []
  for (let n = 0; n < 8; n++) inTurn(() => done.push(n))
  expect(done).toEqual([])
  await turnOfTheEventLoop()
  expect(done).toEqual([0, 1, 2])
  await turnOfTheEventLoop()
  expect(done).toEqual([0, 1, 2, 3, 4, 5])
  await turnOfTheEventLoop()
  expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

test('continues with tasks added meanwhile, and starts again after it was empty', async () => {
  const inTurn = fewAtATime(2)
  const done: string[] = []
  inTurn(() => {
    done.push('first')
    inTurn(() => done.push('asked by the first'))
  })
  await turnOfTheEventLoop()
  await turnOfTheEventLoop()
  expect(done).toEqual(['first', 'asked by the first'])
  inTurn(() => done.push('later'))
  await turnOfTheEventLoop()
  expect(done).toEqual(['first', 'asked by the first', 'later'])
})

test('does no more per turn when a task adds others', async () => {
  const inTurn = fewAtATime(1)
  const done: string[] = []
  inTurn(() => {
    for (const name of ['one', 'two', 'three']) inTurn(() => done.push(name))
  })
  await turnOfTheEventLoop()
  expect(done).toEqual([])
  await turnOfTheEventLoop()
  expect(done).toEqual(['one'])
  await turnOfTheEventLoop()
  expect(done).toEqual(['one', 'two'])
  await turnOfTheEventLoop()
  expect(done).toEqual(['one', 'two', 'three'])
})
