import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exchange, herdgate, restart, start } from '../support/before-raw-origin.ts'
import { temporaryFolder } from '../support/folder.ts'
import { ok } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

test('explain names the tier that the copy is in, its tags, and no group twice', async () => {
  const flags = ['--disk', join(temporaryFolder(), 'cache')]
  const fields = 'Cache-Control: max-age=60\r\nVary: X-A\r\nSurrogate-Key: a\r\nCache-Groups: "g"\r\n'
  await start(({ socket }) => void socket.write(ok('body', fields)), flags)
  const explained = async () => {
    const { body } = await herdgate.ask('/v1/explain?url=http://a.example/x&header=X-A:1')
    return [body.decision, body.stored?.tier, body.stored?.tags]
  }
  const request = 'GET /x HTTP/1.1\r\nHost: a.example\r\nX-A: 1\r\nConnection: close\r\n\r\n'
  await exchange(request)
  await until(async () => (await explained())[0] === 'serve', 'the copy is stored')
  expect(await explained()).toEqual(['serve', 'memory', ['a', 'g']])
  await herdgate.stop()
  await restart(flags)
  expect(await explained()).toEqual(['serve', 'disk', ['a', 'g']])
  expect(await explained()).toEqual(['serve', 'disk', ['a', 'g']])
  expect(await exchange(request)).toContain('herdgate; hit')
  expect(await explained()).toEqual(['serve', 'memory', ['a', 'g']])
})

test.each(['Köln', '東京'])(
  'explain reads a field outside ASCII as the octets that clients send, in UTF-8: %s',
  async (city) => {
    await start(({ socket }) => void socket.write(ok('body', 'Cache-Control: max-age=60\r\nVary: X-City\r\n')))
    await exchange(`GET /x HTTP/1.1\r\nHost: a.example\r\nX-City: ${city}\r\nConnection: close\r\n\r\n`)
    const query = new URLSearchParams({ url: 'http://a.example/x', header: `X-City: ${city}` })
    expect((await herdgate.ask(`/v1/explain?${query}`)).body).toMatchObject({ decision: 'serve', why: 'fresh' })
  },
)

test('explain says that a request with only-if-cached is refused where there is no copy', async () => {
  await start(({ socket }) => void socket.write(ok('body')))
  const wishes = 'header=Cache-Control:only-if-cached'
  for (const query of [wishes, `${wishes}&header=If-Match:*`]) {
    const { body } = await herdgate.ask(`/v1/explain?url=http://a.example/x&${query}`)
    expect([body.decision, body.why]).toEqual(['refuse', 'only-if-cached'])
  }
})

test.each([
  ['as sent by one, if any are configured', '127.0.0.1/32', ['serve', 'fetch']],
  ['as absent, if none are', '', ['serve', 'serve']],
])('explain treats a header that only trusted peers may set %s', async (_, trustProxy, decisions) => {
  const file = join(temporaryFolder(), 'herdgate.yaml')
  const listen = `listen: { trustProxy: [${trustProxy}] }`
  await writeFile(
    file,
    `version: 1\n${listen}\nroutes: [{ name: r, origin: default, key: { headers: [cf-ipcountry] } }]\n`,
  )
  await start(({ socket }) => void socket.write(ok('body', 'Cache-Control: max-age=60\r\n')), ['--config', file])
  await exchange('GET /x HTTP/1.1\r\nHost: a.example\r\nCF-IPCountry: DE\r\nConnection: close\r\n\r\n')
  const decision = async (country: string) =>
    (await herdgate.ask(`/v1/explain?url=http://a.example/x&header=CF-IPCountry:${country}`)).body.decision
  expect([await decision('DE'), await decision('FR')]).toEqual(decisions)
})

test.each([
  ['as it is, if a trusted proxy may have said so', '127.0.0.1/32', ['serve', 'fetch']],
  ['as http, like every request, if no proxy is trusted', '', ['serve', 'serve']],
])('explain takes an https URL %s', async (_, trustProxy, decisions) => {
  const file = join(temporaryFolder(), 'herdgate.yaml')
  await writeFile(file, `version: 1\nlisten: { trustProxy: [${trustProxy}] }\n`)
  await start(({ socket }) => void socket.write(ok('body', 'Cache-Control: max-age=60\r\n')), ['--config', file])
  const forwarded = 'GET /x HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n'
  await exchange(forwarded)
  expect(await exchange(forwarded)).toContain('herdgate; hit')
  const decision = async (url: string) => (await herdgate.ask(`/v1/explain?url=${url}`)).body.decision
  expect([await decision('https://a.example:443/x'), await decision('http://a.example/x')]).toEqual(decisions)
})

test('explain agrees with the real answer about content in a GET and about heads that are refused', async () => {
  await start(({ socket }) => void socket.write(ok('body', 'Cache-Control: max-age=60\r\n')))
  const content = 'Content-Length: 5|hello'
  const cases: [method: string, lineAndContent: string, explained: string, status: number, told: string][] = [
    ['GET', content, 'pass body', 200, 'fwd=bypass; fwd-status=200; detail=body'],
    ['GET', 'Transfer-Encoding: chunked|0\r\n\r\n', 'pass body', 200, 'fwd=bypass; fwd-status=200; detail=body'],
    ['GET', 'Content-Length: 0|', 'fetch uri-miss', 200, 'fwd=uri-miss; fwd-status=200; stored'],
    ['GET', 'Expect: 200-ok|', 'error expectation_failed', 417, 'detail=expectation_failed'],
    ['GET', 'Transfer-Encoding: gzip|', 'error malformed_request', 400, 'detail=malformed_request'],
    ['GET', 'Content-Length: x|', 'error malformed_request', 400, 'detail=malformed_request'],
    ['TRACE', content, 'error malformed_request', 400, 'detail=malformed_request'],
    ['POST', content, 'unsafe method', 200, 'fwd=method'],
  ]
  for (const [at, [method, lineAndContent, explained, status, told]] of cases.entries()) {
    const [line = '', octets = ''] = lineAndContent.split('|')
    const url = `http://a.example/${at}`
    const query = new URLSearchParams({ url, method, header: line })
    const { body } = await herdgate.ask(`/v1/explain?${query}`)
    expect([line, `${body.decision} ${body.why}`]).toEqual([line, explained])
    const head = `${method} /${at} HTTP/1.1\r\nHost: a.example\r\n${line}\r\nConnection: close\r\n\r\n`
    const answer = await exchange(head + octets)
    expect(answer).toMatch(`HTTP/1.1 ${status} `)
    expect(answer).toContain(told)
  }
})
