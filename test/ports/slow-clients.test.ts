import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { expect, test, vi } from 'vitest'
import { openConnections } from '../../src/ports/connections.ts'
import { dropSlowClients } from '../../src/ports/slow-clients.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { listen } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const MIB = 2 ** 20
const WINDOW_MS = 10_000

/** A guarded server, and a client of it. @param inTurn what the guard does with a client that it has to look at */
async function guarded(clock: FakeClock, listener: RequestListener, inTurn: (run: () => void) => void) {
  const server = createServer(listener)
  const guard = dropSlowClients(openConnections(server), {
    minRate: 1_000,
    minRateWindow: WINDOW_MS,
    clock,
    inTurn,
  })
  const socket = connect(await listen(server), '127.0.0.1')
  const client = { socket, heard: '', failure: undefined as unknown }
  socket.setEncoding('latin1').on('data', (text) => (client.heard += text))
  socket.on('error', (error) => (client.failure = error))
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      guard.stop()
      socket.destroy()
      if (!socket.closed) await once(socket, 'close')
      server.close()
    },
  })
}

test('a client that was too slow but has caught up when its turn comes is not dropped', async () => {
  const clock = new FakeClock()
  const due: (() => void)[] = []
  let received = 0
  const answer: RequestListener = (request, response) => {
    request.on('data', ({ length }: Buffer) => (received += length)).once('end', () => response.end('fine'))
  }
  await using client = await guarded(clock, answer, (run) => due.push(run))
  const { socket } = client
  socket.write('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\na')
  await until(() => received === 1, 'what was sent has arrived')
  await clock.advance(2 * WINDOW_MS)
  expect(due).not.toHaveLength(0)

  socket.write('b')
  await until(() => client.heard.endsWith('fine'), 'it is answered')
  for (const run of due) run()
  socket.write('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n')
  await until(() => client.heard.split('HTTP/1.1 200').length === 3 || socket.closed, 'it is answered again, or closed')
  expect([client.failure, socket.closed]).toEqual([undefined, false])
})

test('a client whose content is not read because earlier answers are due is not dropped', async () => {
  const clock = new FakeClock()
  const asked: ServerResponse[] = []
  const answer: RequestListener = (request, response) => {
    asked.push(response)
    if (request.url === '/large') response.end('x'.repeat(MIB))
    if (request.method === 'POST') request.resume().once('end', () => response.end('fine'))
  }
  await using client = await guarded(clock, answer, (run) => run())
  const { socket } = client
  socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET /large HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await until(() => asked.length === 2, 'both have arrived')
  socket.write('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\na')
  await until(() => asked.length === 3, 'the third has arrived')
  socket.write('b')
  await clock.advance(2 * WINDOW_MS)
  asked[0]?.end()
  await until(() => client.heard.endsWith('fine') || socket.closed, 'all are answered, or the connection is closed')
  expect([client.failure, client.heard.match(/HTTP\/1\.1 \d+/g)]).toEqual([undefined, Array(3).fill('HTTP/1.1 200')])
})

test('a round without connections is one step', async () => {
  const clock = new FakeClock()
  const after = vi.spyOn(clock, 'after')
  const guard = dropSlowClients(new Set(), { minRate: 1_000, minRateWindow: WINDOW_MS, clock, inTurn: (run) => run() })
  await clock.advance(10_000)
  expect(after.mock.calls.length).toBeLessThan(30)
  guard.stop()
})
