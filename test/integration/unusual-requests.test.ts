/** Requests that are not for an origin, or that few clients send. */
import { once } from 'node:events'
import net from 'node:net'
import { expect, test } from 'vitest'
import { exchange, herdgate, port, start } from '../support/before-raw-origin.ts'
import { get } from '../support/http.ts'
import { ok } from '../support/raw-origin.ts'

test('CONNECT is answered 405 with Allow and Date on both ports, an unknown expectation 417', async () => {
  await start(({ socket }) => void socket.write(ok()))
  for (const at of [port(), Number(new URL(herdgate.admin).port)]) {
    const answer = await exchange('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', false, at)
    expect(answer).toMatch(/^HTTP\/1.1 405 [^]*"code":"method_not_allowed"/)
    expect(answer).toMatch(/^Allow: *\r$/m)
    expect(answer).toMatch(/^Date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r$/m)
  }
  expect(await exchange('GET / HTTP/1.1\r\nHost: a\r\nExpect: foo\r\n\r\n')).toMatch(
    /^HTTP\/1.1 417 [^]*"expectation_failed"/,
  )
})

test.each([
  ['an unknown expectation', 417, 'Expect: foo 100-continue'],
  ['an unknown expectation beside a known one', 417, 'Expect: 100-continue\r\nExpect: foo'],
  ['a loop', 508, 'Expect: 100-continue\r\nVia: 1.1 herdgate'],
  ['a request for a copy that is not there', 504, 'Expect: 100-continue\r\nCache-Control: only-if-cached'],
])('%s is answered %i instead of 100 Continue', async (_, status, fields) => {
  await start(({ socket }) => void socket.write(ok()))
  const method = status === 504 ? 'GET' : 'POST'
  const answer = await exchange(`${method} / HTTP/1.1\r\nHost: a\r\n${fields}\r\nContent-Length: 5\r\n\r\n`)
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toMatch(/^Connection: close\r$/im)
})

test('100-continue is met however it is spelled, and however often it is repeated', async () => {
  await start(({ socket }) => void socket.write(ok('got it')))
  const again = '100-continue\r\nExpect: 100-continue'
  for (const expectation of ['100-Continue', '100-continue, 100-CONTINUE', again, ',100-continue']) {
    const head = `POST / HTTP/1.1\r\nHost: a\r\nExpect: ${expectation}\r\nContent-Length: 5\r\nConnection: close`
    const answer = await exchange(`${head}\r\n\r\nhello`)
    expect(answer, expectation).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 [^]*got it/)
  }
})

test('the absolute form of a target is accepted when it agrees with Host', async () => {
  await start(({ socket, head }) => void socket.write(ok(head.split('\r\n')[0])))
  const answer = await exchange('GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n')
  expect(answer).toContain('GET /x?y HTTP/1.1')
})

test('a CONNECT followed by a reset does not end the process', async () => {
  await start(({ socket }) => void socket.write(ok('alive')))
  for (let n = 0; n < 20; n++) {
    const socket = net.connect(port(), '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')
    socket.resetAndDestroy()
  }
  expect((await get(`${herdgate.url}/x`)).body).toBe('alive')
  expect(herdgate.child.exitCode).toBeNull()
})

test('the admin port answers a request without Host with problem+json, like every error', async () => {
  await start(({ socket }) => void socket.write(ok()))
  const at = Number(new URL(herdgate.admin).port)
  const answer = await exchange('GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', false, at)
  expect(answer).toMatch(/^HTTP\/1.1 400 /)
  expect(answer).toMatch(/^content-type: application\/problem\+json\r$/im)
  expect(await exchange('GET /livez HTTP/1.0\r\n\r\n', false, at)).toMatch(/^HTTP\/1.1 200 /)
})
