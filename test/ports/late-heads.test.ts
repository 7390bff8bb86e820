import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type EventPayloads, Events } from '../../src/events.ts'
import { IdleConnections } from '../../src/lane/idle-connections.ts'
import type { HttpSocket } from '../../src/ports/connections.ts'
import { refuseLateHeads } from '../../src/ports/late-heads.ts'
import { createPeers } from '../../src/ports/peers.ts'
import { reportRefusals } from '../../src/ports/refusals.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { listen } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const LATE = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })

let due: (() => void)[]
let lateHeads: ReturnType<typeof refuseLateHeads>
let server: Server
let client: Socket
let socket: HttpSocket
let heard: string
let told: EventPayloads['request'][]

beforeEach(async () => {
  due = []
  told = []
  const events = new Events()
  events.on('request', (request) => void told.push(request))
  lateHeads = refuseLateHeads((run) => due.push(run), reportRefusals(events, createPeers([])))
  server = createServer(lateHeads.watch((_request, response) => void response.end('fine')))
  const connected = once(server, 'connection')
  client = connect(await listen(server), '127.0.0.1')
  heard = ''
  client.setEncoding('latin1').on('data', (text) => (heard += text))
  ;[socket] = (await connected) as [HttpSocket]
})
afterEach(() => {
  client.destroy()
  server.close()
})

const takeTurns = () => due.splice(0).forEach((run) => run())

test('a late head is refused when its turn comes', async () => {
  lateHeads.refuse(LATE, socket)
  expect(heard).toBe('')
  takeTurns()
  await until(() => heard.startsWith('HTTP/1.1 408 '), 'it is refused')
})

test('a late head is reported only if some of it has arrived', async () => {
  client.write('GET / HT')
  await until(() => socket.bytesRead > 0, 'some of it has arrived')
  lateHeads.refuse(LATE, socket)
  takeTurns()
  expect(told).toMatchObject([{ status: 408, method: '', outcome: { result: 'error', detail: 'request_timeout' } }])

  const connected = once(server, 'connection')
  const silent = connect((server.address() as AddressInfo).port, '127.0.0.1')
  ;[socket] = (await connected) as [HttpSocket]
  lateHeads.refuse(LATE, socket)
  takeTurns()
  expect(told).toHaveLength(1)
  silent.destroy()
})

test('a head completed before its turn is answered', async () => {
  lateHeads.refuse(LATE, socket)
  client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await until(() => heard.endsWith('fine'), 'it is answered')
  takeTurns()
  client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await until(() => heard.split('HTTP/1.1 200').length === 3, 'the connection continues')
})

test('the age of a head answered by the lane does not count against the next one', async () => {
  const idle = new IdleConnections(new FakeClock(), 65_000)
  const connection = { socket, isWatched: false, suspended: 0, answeredAt: 0 }
  lateHeads.refuse(LATE, socket)
  idle.answered(connection)
  idle.handedToNode(connection)
  takeTurns()
  client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await until(() => heard.startsWith('HTTP/1.1 '), 'it is answered')
  expect(heard).toMatch(/^HTTP\/1\.1 200 /)
})
