import { afterEach, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get } from '../support/http.ts'
import { ok, type RawOrigin, rawOrigin } from '../support/raw-origin.ts'

let origin: RawOrigin
let herdgate: Herdgate

afterEach(async () => {
  await herdgate.stop()
  await origin.close()
})

test.each([
  ['a control character in a value', 'HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n'],
  ['a status of 99', 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  [
    'length and coding',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
  ],
  ['no HTTP at all', 'SSH-2.0-OpenSSH\r\n\r\n'],
])('%s in an answer is a 502, nothing is stored, and the process lives', async (_, answer) => {
  let broken = true
  origin = await rawOrigin(({ socket }) => socket.write(broken ? answer : ok('fine', 'Cache-Control: max-age=60\r\n')))
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'silent'])
  const problem = await get(`${herdgate.url}/x`)
  expect(problem.status).toBe(502)
  expect(problem.headers).toMatchObject({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  expect(problem.body).not.toContain('127.0.0.1')
  broken = false
  expect((await get(`${herdgate.url}/other`)).body).toBe('fine')
  expect(herdgate.child.exitCode).toBeNull()
})
