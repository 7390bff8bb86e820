import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { refuseCutOffContent } from '../../src/ports/cut-off-content.ts'
import { listen } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const MANY = 20
/** Without `Connection: Upgrade` node:http reads on behind it. */
const UPGRADE = 'POST / HTTP/1.1\r\nHost: a.test\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n'
const CUT_OFF = 'POST / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nab'

let asked: ServerResponse[]
let server: Server
let client: Socket
let socket: Socket
let heard: string

beforeEach(async () => {
  asked = []
  heard = ''
  server = createServer(refuseCutOffContent((_request, response) => void asked.push(response)))
  Object.assign(server, { httpAllowHalfOpen: true })
  const connected = once(server, 'connection')
  client = connect(await listen(server), '127.0.0.1')
  client.setEncoding('latin1').on('data', (text) => (heard += text))
  ;[socket] = (await connected) as [Socket]
})
afterEach(() => {
  client.destroy()
  server.close()
})

const arrived = (count: number): Promise<void> => until(() => asked.length === count, `${count} requests have arrived`)

test('pipelined requests with Upgrade do not each leave a listener on the connection', async () => {
  client.write(UPGRADE)
  await arrived(1)
  const before = socket.listenerCount('end')
  client.write(UPGRADE.repeat(MANY))
  await arrived(1 + MANY)
  expect(socket.listenerCount('end')).toBe(before)
})

test('a later request with Upgrade is refused if its content is cut off', async () => {
  client.write(UPGRADE)
  await arrived(1)
  asked[0]?.end('fine')
  client.end(CUT_OFF)
  await until(() => client.closed, 'the connection is closed')
  expect(heard.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400'])
})

test('a request with Upgrade that has been answered is not refused if its content is cut off', async () => {
  client.write(CUT_OFF)
  await arrived(1)
  asked[0]?.end('fine')
  await until(() => heard.endsWith('fine'), 'it is answered')
  client.end()
  await until(() => client.closed, 'the connection is closed')
  expect(heard.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
})
