import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Live, Snapshot } from '../../../src/live/live.ts'
import { AUTHORIZED, fakeAdmin, get } from '../../support/admin.ts'
import { until } from '../../support/waiting.ts'

/** A fake Live whose watchers the test notifies. */
function fakeLive(most = 8) {
  const watchers = new Set<(snapshot: Snapshot) => void>()
  const live: Live = {
    watch(watcher) {
      if (watchers.size >= most) return undefined
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
  }
  const tell = (snapshot: unknown) => {
    for (const watcher of watchers) watcher(snapshot as Snapshot)
  }
  return { live, watchers, tell }
}

const closing: (() => Promise<void>)[] = []
afterEach(async () => void (await Promise.all(closing.splice(0).map((close) => close()))))

async function listening(live: Live) {
  const { app } = fakeAdmin({ live })
  await app.listen({ host: '127.0.0.1', port: 0 })
  closing.push(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const open = async (): Promise<IncomingMessage> => {
    const request = http.get({ port, host: '127.0.0.1', path: '/v1/live', headers: AUTHORIZED, agent: false })
    request.on('error', () => undefined)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.on('error', () => undefined)
    return response
  }
  return { app, open }
}

test('snapshots arrive as server-sent events', async () => {
  const { live, tell } = fakeLive()
  const { open } = await listening(live)
  const response = await open()
  expect(response.statusCode).toBe(200)
  expect(response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'x-accel-buffering': 'no',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  await until(() => text.includes('retry:'), 'the beginning')
  tell({ at: 1 })
  await until(() => text.endsWith('data: {"at":1}\n\n'), 'the first snapshot')
  tell({ at: 2 })
  await until(() => text.endsWith('data: {"at":1}\n\ndata: {"at":2}\n\n'), 'the second snapshot')
  response.destroy()
})

test('a reader that leaves is removed', async () => {
  const { live, watchers } = fakeLive()
  const { open } = await listening(live)
  const response = await open()
  expect(watchers.size).toBe(1)
  response.destroy()
  await until(() => watchers.size === 0, 'forgotten')
})

test('a stalled reader is dropped, and the others continue', async () => {
  const { live, watchers, tell } = fakeLive()
  const { open } = await listening(live)
  const [stalled, reading] = [await open(), await open()]
  let received = 0
  reading.on('data', (chunk: Buffer) => (received += chunk.length))
  const padding = 'x'.repeat(256 * 1024)
  let told = 0
  await until(async () => {
    if (received >= told * padding.length) {
      tell({ padding })
      told++
    }
    return watchers.size === 1
  }, 'dropped')
  expect(told).toBeLessThan(200) // what socket buffers hold, and 1 MiB
  const before = received
  tell({ at: 3 })
  await until(() => received > before, 'the other still receives')
  stalled.destroy()
  reading.destroy()
})

test('the streams end when the listener closes', async () => {
  const { live, watchers } = fakeLive()
  const { app, open } = await listening(live)
  const response = await open()
  const ended = once(response.resume(), 'end')
  await app.close()
  await ended
  expect(watchers.size).toBe(0)
})

test('beyond the limit, another watcher is asked to retry later', async () => {
  const { live } = fakeLive(0)
  const response = await get(fakeAdmin({ live }).app, '/v1/live')
  expect(response.statusCode).toBe(503)
  expect(response.headers['retry-after']).toBe('5')
  expect(response.headers['content-type']).toBe('application/problem+json')
})

test('HEAD opens no stream, and neither does a wrong token', async () => {
  const { live, watchers } = fakeLive()
  const { app } = fakeAdmin({ live })
  const head = await app.inject({ method: 'HEAD', url: '/v1/live', headers: AUTHORIZED })
  expect([head.statusCode, head.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8'])
  expect((await app.inject('/v1/live')).statusCode).toBe(401)
  expect((await app.inject(`/v1/live?token=${AUTHORIZED.authorization}`)).statusCode).toBe(401)
  expect(watchers.size).toBe(0)
})
