import Fastify from 'fastify'
import { expect, onTestFinished, test, vi } from 'vitest'
import { countRequests } from '../../src/library/requests-in-progress.ts'

/** An application whose requests wait until the test answers them. */
function counting() {
  const app = Fastify()
  onTestFinished(() => app.close())
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const allAnswered = countRequests(app)
  const answered = Promise.withResolvers<string>()
  const asked = Promise.withResolvers<void>()
  app.get('/', () => {
    asked.resolve()
    return answered.promise
  })
  const settled: string[] = []
  const close = () => allAnswered().then(() => settled.push('closed'))
  return { app, close, settled, asked: asked.promise, answer: () => answered.resolve('content') }
}

test('closing waits until the last request in progress is answered', async () => {
  const { app, close, settled, asked, answer } = counting()
  const injected = app.inject('/')
  await asked
  const closed = close()
  await vi.advanceTimersByTimeAsync(29_999)
  expect(settled).toEqual([])
  answer()
  await injected
  await closed
})

test('closing waits for 30 s at most', async () => {
  const { app, close, settled, asked, answer } = counting()
  const injected = app.inject('/')
  await asked
  const closed = close()
  await vi.advanceTimersByTimeAsync(30_000)
  await closed
  expect(settled).toEqual(['closed'])
  answer()
  await injected
})

test('closing does not wait when no request is in progress', async () => {
  const { app, close, answer } = counting()
  answer()
  await app.inject('/')
  await close()
})
