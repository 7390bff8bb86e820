import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ADMIN_TOKEN, fakeAdmin } from '../support/admin.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { until } from '../support/waiting.ts'

/** Requests that inject() cannot express: raw octets, read by Node's own parser. */
const { app, asked } = fakeAdmin()
let port = 0

beforeAll(async () => {
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as AddressInfo).port
})
beforeEach(() => void asked.splice(0))
afterAll(() => app.close())

/** Sends lines, and reads until the connection ends. */
async function exchange(...lines: string[]): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => undefined) // a server may reset a connection that it refuses
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk))
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

const HEAD = ['Host: admin', 'Connection: close', 'Content-Length: 0']
const AUTHORIZATION = `Authorization: Bearer ${ADMIN_TOKEN}`

test('a request with one Authorization line is authorised', async () => {
  expect(await exchange('POST /v1/purge/tags/a HTTP/1.1', ...HEAD, AUTHORIZATION)).toMatch(/^HTTP\/1\.1 200 /)
  expect(asked).toHaveLength(1)
})

test.each([
  ['the right one first', AUTHORIZATION, 'Authorization: Bearer other'],
  ['the right one last', 'authorization: Bearer other', AUTHORIZATION],
  ['the same one twice', AUTHORIZATION, AUTHORIZATION],
])('a request with two Authorization lines is refused: %s', async (_what, ...lines) => {
  const answer = await exchange('POST /v1/purge/tags/a HTTP/1.1', ...HEAD, ...lines)
  expect(answer).toMatch(/^HTTP\/1\.1 401 /)
  expect(answer).toContain('www-authenticate: Bearer')
  expect(asked).toEqual([])
})

test.each(['/./v1/purge/tags/a', '/x/../v1/purge/tags/a', '/v1/../v1/purge/tags/a', '//v1/purge/tags/a'])(
  'paths are not normalised: %s is a 404',
  async (path) => {
    const answer = await exchange(`POST ${path} HTTP/1.1`, ...HEAD, AUTHORIZATION)
    expect(answer).toMatch(/^HTTP\/1\.1 404 /)
    expect(asked).toEqual([])
  },
)

test('an encoded ".." is a tag like any other', async () => {
  await exchange('POST /v1/purge/tags/%2e%2e%2fb HTTP/1.1', ...HEAD, AUTHORIZATION)
  expect(asked).toMatchObject([{ verb: 'purge', targets: { tags: ['../b'] } }])
})

test.each([
  ['a token of 1 MB', 431, ['GET /v1/stats HTTP/1.1', ...HEAD, `Authorization: Bearer ${'x'.repeat(1024 * 1024)}`]],
  ['a malformed request', 400, ['GET /v1/stats SPDY/3', ...HEAD]],
  ['CL and TE', 400, ['POST /v1/purge HTTP/1.1', ...HEAD, 'Transfer-Encoding: chunked', AUTHORIZATION]],
  ['an unknown expectation', 417, ['POST /v1/purge/tags/a HTTP/1.1', ...HEAD, 'Expect: wonders', AUTHORIZATION]],
  ['an unknown method', 400, ['BREW /v1/purge/tags/a HTTP/1.1', ...HEAD, AUTHORIZATION]],
])('%s is answered with problem+json, or not at all', async (_what, status, lines) => {
  const answer = await exchange(...lines)
  if (answer !== '') {
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(answer.toLowerCase()).toContain('content-type: application/problem+json')
  }
  expect(asked).toEqual([])
})

test.each(['PURGE', 'QUERY', 'CONNECT', 'TRACE', 'PROPFIND'])('%s is refused and purges nothing', async (method) => {
  const answer = await exchange(`${method} /v1/purge/tags/a HTTP/1.1`, ...HEAD, AUTHORIZATION)
  expect(answer).not.toMatch(/^HTTP\/1\.1 2/)
  expect(asked).toEqual([])
})

test('a client that does not read its answer is disconnected: it holds up neither memory nor close()', async () => {
  const clock = new FakeClock()
  const rendered = { contentType: 'text/plain', body: 'a'.repeat(64 * 2 ** 20) }
  const slow = fakeAdmin({ clock, metrics: { render: async () => rendered } })
  await slow.app.listen({ host: '127.0.0.1', port: 0 })
  const connected = once(slow.app.server, 'connection')
  const client = net.connect((slow.app.server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => undefined)
  const [socket]: net.Socket[] = await connected
  client.pause().write('GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n')
  await until(() => (socket?.writableLength ?? 0) > 0, 'the system accepts no more of the answer')
  const closed = slow.app.close()
  await clock.advance(9_000)
  expect(socket?.destroyed).toBe(false)
  await clock.advance(5_000)
  await closed
  expect(socket?.destroyed).toBe(true)
  client.destroy()
})
