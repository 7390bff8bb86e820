import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { countRequests } from '../../src/library/requests-in-progress.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** An application whose requests are answered when the test says so. */
function counting() {
  const app = Fastify()
  onTestFinished(() => app.close())
  const clock = new FakeClock()
  const allAnswered = countRequests(app, clock)
  const answered = Promise.withResolvers<string>()
  const asked = Promise.withResolvers<void>()
  app.get('/', () => {
    asked.resolve()
    return answered.promise
  })
  const settled: string[] = []
  const close = () => allAnswered().then(() => settled.push('closed'))
  return { app, clock, close, settled, asked: asked.promise, answer: () => answered.resolve('content') }
}

test('what closes waits until the last request in progress is answered', async () => {
  const { app, clock, close, settled, asked, answer } = counting()
  const injected = app.inject('/')
  await asked
  const closed = close()
  await clock.advance(29_999)
  expect(settled).toEqual([])
  answer()
  await injected
  await closed
})

test('it waits for 30 s at the most', async () => {
  const { app, clock, close, settled, asked, answer } = counting()
  const injected = app.inject('/')
  await asked
  const closed = close()
  await clock.advance(30_000)
  await closed
  expect(settled).toEqual(['closed'])
  answer()
  await injected
})

test('it does not wait where none is in progress', async () => {
  const { app, close, answer } = counting()
  answer()
  await app.inject('/')
  await close()
})
