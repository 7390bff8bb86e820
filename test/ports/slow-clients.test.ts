import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { expect, test, vi } from 'vitest'
import { openConnections } from '../../src/ports/connections.ts'
import { dropSlowClients } from '../../src/ports/slow-clients.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { listen } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const MIB = 2 ** 20
const WINDOW_MS = 10_000

test('a client that was too slow but has caught up when its turn comes is not dropped', async () => {
  const clock = new FakeClock()
  const due: (() => void)[] = []
  let received = 0
  const server = createServer((request, response) => {
    request.on('data', ({ length }: Buffer) => (received += length)).once('end', () => response.end('fine'))
  })
  const guard = dropSlowClients(openConnections(server), {
    minRate: 1_000,
    minRateWindow: WINDOW_MS,
    clock,
    inTurn: (run) => due.push(run),
  })
  const client = connect(await listen(server), '127.0.0.1')
  try {
    let heard = ''
    let failure: unknown
    client.setEncoding('latin1').on('data', (text) => (heard += text))
    client.on('error', (error) => (failure = error))
    client.write('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\na')
    await until(() => received === 1, 'what was sent has arrived')
    await clock.advance(2 * WINDOW_MS)
    expect(due).not.toHaveLength(0)

    client.write('b')
    await until(() => heard.endsWith('fine'), 'it is answered')
    for (const run of due) run()
    client.write('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n')
    await until(() => heard.split('HTTP/1.1 200').length === 3 || client.closed, 'it is answered again, or closed')
    expect([failure, client.closed]).toEqual([undefined, false])
  } finally {
    guard.stop()
    client.destroy()
    if (!client.closed) await once(client, 'close')
    server.close()
  }
})

test('a client whose content is not read because earlier answers are due is not dropped', async () => {
  const clock = new FakeClock()
  const asked: ServerResponse[] = []
  const server = createServer((request, response) => {
    asked.push(response)
    if (request.url === '/large') response.end('x'.repeat(MIB))
    if (request.method === 'POST') request.resume().once('end', () => response.end('fine'))
  })
  const guard = dropSlowClients(openConnections(server), {
    minRate: 1_000,
    minRateWindow: WINDOW_MS,
    clock,
    inTurn: (run) => run(),
  })
  const client = connect(await listen(server), '127.0.0.1')
  try {
    let heard = ''
    let failure: unknown
    client.setEncoding('latin1').on('data', (text) => (heard += text))
    client.on('error', (error) => (failure = error))
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET /large HTTP/1.1\r\nHost: a.test\r\n\r\n')
    await until(() => asked.length === 2, 'both have arrived')
    client.write('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\na')
    await until(() => asked.length === 3, 'the third has arrived')
    client.write('b')
    await clock.advance(2 * WINDOW_MS)
    asked[0]?.end()
    await until(() => heard.endsWith('fine') || client.closed, 'all are answered, or the connection is closed')
    expect([failure, heard.match(/HTTP\/1\.1 \d+/g)]).toEqual([undefined, Array(3).fill('HTTP/1.1 200')])
  } finally {
    guard.stop()
    client.destroy()
    if (!client.closed) await once(client, 'close')
    server.close()
  }
})

test('a round without connections is one step', async () => {
  const clock = new FakeClock()
  const after = vi.spyOn(clock, 'after')
  const guard = dropSlowClients(new Set(), { minRate: 1_000, minRateWindow: WINDOW_MS, clock, inTurn: (run) => run() })
  await clock.advance(10_000)
  expect(after.mock.calls.length).toBeLessThan(30)
  guard.stop()
})
