/** A client answered before its request has been read completely loses neither the answer nor the connection. */
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_PIPELINED } from '../../src/ports/pipelining.ts'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { ok, type RawOrigin, rawOrigin } from '../support/raw-origin.ts'
import { RawClient } from './client.ts'

const MIB = 2 ** 20
const UPLOAD = 20 * MIB
const LARGE = 'x'.repeat(64 * 1024)

let origin: RawOrigin
let herdgate: Herdgate
beforeAll(async () => {
  origin = await rawOrigin(({ socket, head }) => {
    if (/^(?:POST|QUERY) /.test(head)) socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig')
    else socket.write(ok(LARGE))
  })
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'silent'])
})
afterAll(async () => {
  await herdgate.stop()
  await origin.close()
})

const connected = (): Promise<RawClient> => RawClient.connect(Number(new URL(herdgate.url).port))
const upload = (method: string, ...fields: readonly string[]): string =>
  `${[`${method} /upload HTTP/1.1`, 'Host: a.test', `Content-Length: ${UPLOAD}`, ...fields].join('\r\n')}\r\n\r\n`
const content = 'u'.repeat(UPLOAD)

describe.each(['POST', 'QUERY'])('an upload by %s answered before its end', (method) => {
  test('is read to its end, and the connection continues', async () => {
    using client = await connected()
    client.send(upload(method) + content.slice(0, MIB))
    expect((await client.receive(1)).responses[0]?.status).toBe(413)
    client.send(`${content.slice(MIB)}GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n`)
    const { responses } = await client.receive(2)
    expect(responses.map(({ status }) => status)).toEqual([413, 200])
  })

  test('is not reset if its answer is the last on the connection', async () => {
    using client = await connected()
    client.send(upload(method, 'Connection: close'))
    client.send(content)
    const { responses, closed } = await client.receive(2)
    expect([responses[0]?.status, closed]).toEqual([413, true])
    client.end()
    await client.gone()
    expect(client.failure).toBeUndefined()
  })
})

test('a client with too many pipelined requests still gets the completed answers', async () => {
  using client = await connected()
  const asked = 20_000
  client.send(Array.from({ length: asked }, (_, number) => `GET /${number} HTTP/1.1\r\nHost: a.test\r\n\r\n`).join(''))
  const { responses, closed } = await client.receive(asked)
  const answered = responses.slice(0, -1)
  expect(answered).toHaveLength(MAX_PIPELINED + 1)
  expect(answered.every(({ body }) => body === LARGE)).toBe(true)
  expect([responses.at(-1)?.status, closed]).toEqual([503, true])
  client.end()
  await client.gone()
  expect(client.failure).toBeUndefined()
})

test.each([
  ['sends garbage after a request', 'GET /next HTTP/1.1\r\nHost: a.test\r\n\r\nnonsense\0', 200],
  ['sends more after a refused request', 'GET /next HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n', 400],
])('a client that %s still gets its answer, without a reset', async (_, octets, status) => {
  using client = await connected()
  client.send(octets)
  const { responses, closed } = await client.receive(2)
  expect([responses.map((response) => response.status), closed]).toEqual([[status], true])
  client.send(content)
  client.end()
  await client.gone()
  expect(client.failure).toBeUndefined()
})

test.each(['url', 'admin'] as const)(
  'who asks for a tunnel and sends on is heard to the end, on the %s',
  async (port) => {
    using client = await RawClient.connect(Number(new URL(herdgate[port]).port))
    client.send('CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n')
    const { responses, closed } = await client.receive(2)
    expect([responses[0]?.status, closed]).toEqual([405, true])
    client.send(content)
    client.end()
    await client.gone()
    expect(client.failure).toBeUndefined()
  },
)

test('after the last answer a client may continue sending for a while, even during shutdown', async () => {
  const ending = await startHerdgate(['--origin', origin.url])
  using client = await RawClient.connect(Number(new URL(ending.url).port))
  client.send('GET /next HTTP/1.1\r\nHost: a.test\r\n\r\nnonsense\0')
  expect((await client.receive(2)).closed).toBe(true)
  const stopped = ending.stop()
  await expect.poll(() => ending.lines.some((line) => line.includes('finishing'))).toBe(true)
  for (let sent = 0; sent < UPLOAD && client.failure === undefined; sent += MIB) {
    client.send(content.slice(0, MIB))
    await setImmediate()
  }
  client.end()
  await client.gone()
  expect(client.failure).toBeUndefined()
  expect(await stopped).toBe(0)
})

test('a refused WebSocket handshake closes the connection', async () => {
  using client = await connected()
  const fields = ['Host: a.test', 'Connection: Upgrade', 'Upgrade: websocket', 'Via: 1.1 herdgate']
  client.send(`${['GET /chat HTTP/1.1', ...fields].join('\r\n')}\r\n\r\n`)
  const { responses, closed } = await client.receive(2)
  expect([responses[0]?.status, closed]).toEqual([508, true])
  const isHeld = () => {
    client.send('more')
    return client.failure === undefined
  }
  await expect.poll(isHeld).toBe(false) // although the client has not closed
})
