import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { latePages } from '../../../routes/admin/late-pages.ts'

test('a failed load is retried on the next request, and does not prevent closing', async () => {
  let times = 0
  const app = Fastify()
  latePages(app, async () => {
    times++
    if (times !== 2) throw new Error('no file descriptor is free')
    const pages = Fastify()
    pages.get('/docs', async () => 'pages')
    await pages.ready()
    return pages
  })
  expect((await app.inject('/docs')).statusCode).toBe(500)
  expect((await app.inject('/docs')).body).toBe('pages')
  expect((await app.inject('/docs')).body).toBe('pages')
  expect(times).toBe(2)
  await app.close()
})

test('an instance whose pages were never loaded still closes', async () => {
  const app = Fastify()
  latePages(app, () => Promise.reject(new Error('no file descriptor is free')))
  expect((await app.inject('/docs')).statusCode).toBe(500)
  await app.close()
})
