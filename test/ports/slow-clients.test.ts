import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { expect, test, vi } from 'vitest'
import { openConnections } from '../../src/ports/connections.ts'
import { dropSlowClients } from '../../src/ports/slow-clients.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { listen } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

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

test('a round without connections is one step', async () => {
  const clock = new FakeClock()
  const after = vi.spyOn(clock, 'after')
  const guard = dropSlowClients(new Set(), { minRate: 1_000, minRateWindow: WINDOW_MS, clock, inTurn: (run) => run() })
  await clock.advance(10_000)
  expect(after.mock.calls.length).toBeLessThan(30)
  guard.stop()
})
