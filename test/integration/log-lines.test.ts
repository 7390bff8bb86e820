/** What is logged about requests, however they are answered. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { RawClient } from '../hostile/client.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startHerdgate } from '../support/herdgate.ts'
import { get, startOrigin } from '../support/http.ts'
import { deadPort, rawOrigin } from '../support/raw-origin.ts'
import { freePort } from '../support/redis.ts'
import { gate, until } from '../support/waiting.ts'

test.each(['on', 'off'])(
  'with lane: %s a log line has the user agent and request id of the client, and the age of the answer',
  async (lane) => {
    const origin = await startOrigin((_request, response) => {
      response.setHeader('Cache-Control', 'max-age=600').setHeader('ETag', '"1"').setHeader('Age', '300').end('ok')
    })
    const config = join(temporaryFolder(), 'herdgate.yaml')
    writeFileSync(config, `version: 1\nlane: ${lane}\n`)
    await using herdgate = await startHerdgate(['--config', config, '--origin', origin.url, '--log-level', 'debug'])
    const logged = () => herdgate.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')

    for (const number of [1, 2, 3]) {
      const headers = { 'user-agent': `agent ${number}`, 'x-request-id': `id-${number}`, connection: 'keep-alive' }
      await get(`${herdgate.url}/x`, { agent: undefined, headers: { ...headers, 'if-none-match': '"1"' } })
    }
    await until(() => logged().length === 3, 'all are logged')
    expect(logged()).toMatchObject([
      { result: 'miss', status: 304, ua: 'agent 1', reqId: 'id-1' },
      { result: 'hit', status: 304, ua: 'agent 2', reqId: 'id-2' },
      { result: 'hit', status: 304, ua: 'agent 3', reqId: 'id-3' },
    ])
    for (const { age } of logged()) expect(age).toBeGreaterThanOrEqual(300)

    using client = await RawClient.connect(Number(new URL(herdgate.url).port))
    client.send(
      'GET /x HTTP/1.1\r\nHost: a.test\r\nUser-Agent: chat\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    await until(() => logged().length === 4, 'a handshake is logged too')
    expect(logged()[3]).toMatchObject({ result: 'pass', ua: 'chat' })
    expect(logged()[3]).not.toHaveProperty('age')
    expect(logged()[3]).not.toHaveProperty('reqId')
    await origin.kill()
  },
)

test.each(['1', '2'])('with --workers %s the log says which address of an origin fails, and why', async (workers) => {
  const port = await deadPort()
  await using herdgate = await startHerdgate(['--origin', `http://127.0.0.1:${port}`, '--workers', workers])
  const logged = () =>
    herdgate.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'requests to an origin fail')
  expect((await get(`${herdgate.url}/x`)).status).toBe(502)
  await until(() => logged().length > 0, 'it is logged')
  const why = expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:${port}: .*ECONNREFUSED`))
  expect(logged()).toMatchObject([{ level: 40, origin: 'default', code: 'origin_refused', why, failures: 1 }])
})

/** The last is too many requests at once on one connection. */
const REFUSED: Readonly<Record<string, string>> = {
  malformed_request: 'GET / HTTP/1.1\r\nHost: a.test\r\nno field\r\n\r\n',
  head_too_large: `GET / HTTP/1.1\r\nHost: a.test\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
  method_not_allowed: 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n',
  overloaded: 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'.repeat(300),
}

test.each([
  ['is cut off', 'origin_reset', (socket: Socket) => void socket.destroy()],
  ['is malformed', 'origin_invalid', (socket: Socket) => void socket.write('no chunk\r\n')],
])('the log says at which address the content of an origin %s, and why', async (_, code, breakOff) => {
  const half = gate()
  const origin = await rawOrigin(({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
    void half.opened.then(() => breakOff(socket))
  })
  onTestFinished(() => origin.close())
  await using herdgate = await startHerdgate(['--origin', origin.url])
  const told = () =>
    herdgate.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'requests to an origin fail')
  using client = await RawClient.connect(Number(new URL(herdgate.url).port))
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await until(() => client.received.includes('half'), 'its content has begun')
  expect(told()).toEqual([])
  half.open()
  await until(() => told().length > 0, 'it is logged')
  const { host } = new URL(origin.url)
  expect(told()).toMatchObject([{ origin: 'default', code, why: expect.stringContaining(`${host}: `), failures: 1 }])
})

test('a client that leaves in the middle of content does not count as a failure of the origin', async () => {
  const origin = await rawOrigin(({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
  })
  onTestFinished(() => origin.close())
  await using herdgate = await startHerdgate(['--origin', origin.url])
  using client = await RawClient.connect(Number(new URL(herdgate.url).port))
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\nCache-Control: no-store\r\n\r\n')
  await until(() => client.received.includes('half'), 'its content has begun')
  client.reset()
  await until(() => origin.requests.every(({ socket }) => socket.destroyed), 'nobody reads the rest')
  await herdgate.stop()
  expect(herdgate.lines.filter((line) => line.includes('requests to an origin fail'))).toEqual([])
})

test('a request that is refused before it reaches the cache is logged and counted like any other', async () => {
  await using herdgate = await startHerdgate(['--origin', `http://127.0.0.1:${await deadPort()}`])
  const logged = () => herdgate.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  const details = () => logged().map(({ cacheStatus }) => /detail=(\w+)/.exec(cacheStatus)?.[1])
  let answers = 0
  for (const [code, octets] of Object.entries(REFUSED)) {
    using client = await RawClient.connect(Number(new URL(herdgate.url).port))
    client.send(octets)
    answers += (await client.receive(Number.POSITIVE_INFINITY)).responses.length
    await until(() => details().includes(code), `${code} is logged`)
  }
  const of = (code: string) => logged().find(({ cacheStatus }) => cacheStatus === `herdgate; detail=${code}`)
  const told = { path: '', result: 'error', clientIp: '127.0.0.1' }
  expect(of('malformed_request')).toMatchObject({ ...told, status: 400 })
  expect(of('malformed_request')).not.toHaveProperty('method')
  expect(of('head_too_large')).toMatchObject({ ...told, status: 431 })
  expect(of('method_not_allowed')).toMatchObject({ ...told, status: 405, method: 'CONNECT' })
  expect(of('overloaded')).toMatchObject({ ...told, status: 503, method: 'GET', result: 'shed' })

  const metrics = (await get(`${herdgate.admin}/metrics`)).body
  const counted = [...metrics.matchAll(/^herdgate_requests_total\{.*\} (\d+)$/gm)]
  expect(counted.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(answers)
  await until(() => logged().length === answers, 'each is logged')
  expect(metrics).toContain('{route="_OTHER",method="GET",result="shed",code_class="5xx"}')
  expect(metrics).toContain('{route="_OTHER",method="_OTHER",result="error",code_class="4xx"} 3')
})

test('a request whose content turns out malformed is logged and counted once', async () => {
  const origin = await rawOrigin(() => {})
  await using herdgate = await startHerdgate(['--origin', origin.url])
  const logged = () => herdgate.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  using client = await RawClient.connect(Number(new URL(herdgate.url).port))
  client.send('POST /upload HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n')
  await until(() => origin.requests.length === 1, 'the request at the origin')
  client.send('nonsense\r\n')
  expect((await client.receive(1)).responses[0]?.status).toBe(400)
  client.end()
  await client.gone()
  await until(() => logged().some(({ method }) => method === 'POST'), 'it is logged')
  expect(logged()).toMatchObject([{ method: 'POST', path: '/upload', aborted: true }])
  await origin.close()
})

test('an answer that breaks off is logged with the bytes that were written before', async () => {
  const origin = await startOrigin((request, response) => {
    response.flushHeaders()
    response.write('twelve bytes', () => setImmediate(() => request.socket.destroy()))
  })
  await using herdgate = await startHerdgate(['--origin', origin.url])
  const logged = () => herdgate.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  await get(`${herdgate.url}/x`).catch(() => {})
  await until(() => logged().length === 1, 'it is logged')
  expect(logged()).toMatchObject([{ status: 200, bytes: 12, aborted: true }])
  const metrics = (await get(`${herdgate.admin}/metrics`)).body
  expect(metrics).toMatch(/^herdgate_response_bytes_total\{.*\} 12$/m)
  await origin.kill()
})

test.each(['', '/b', '\r\nX Y: z'])(
  'an error in answer to HEAD (Host: a.test%j) is logged with 0 bytes',
  async (more) => {
    await using herdgate = await startHerdgate(['--origin', `http://127.0.0.1:${await deadPort()}`])
    const logged = () => herdgate.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
    using client = await RawClient.connect(Number(new URL(herdgate.url).port), true)
    client.send(`HEAD / HTTP/1.1\r\nHost: a.test${more}\r\n\r\n`)
    expect((await client.receive(1)).responses[0]?.head).toMatch(/^content-length: [1-9]/im)
    await until(() => logged().length === 1, 'it is logged')
    expect(logged()).toMatchObject([{ method: 'HEAD', bytes: 0 }])
  },
)

test.each(['1', '2'])('with --workers %s a purge is logged', async (workers) => {
  await using herdgate = await startHerdgate(['--origin', 'http://127.0.0.1:1', '--workers', workers])
  const { body } = await herdgate.ask('/v1/purge', { tags: ['a'] })
  const logged = () => herdgate.lines.map((line) => JSON.parse(line)).filter(({ audit }) => audit === true)
  await until(() => logged().length > 0, 'it is logged')
  const { id, position, nodes } = body
  const told = { msg: 'purge', by: 'admin', mode: 'purge', outcome: 'done', tags: ['a'], id, position, nodes }
  expect(logged()).toMatchObject([told])
})

test('lines that several processes write to one full pipe stay whole', async () => {
  const logs = `
    import { openLog } from './src/logging/log.ts'
    const { logger } = openLog('info')
    for (let at = 0; at < 1_000; at++) logger.info({ path: 'p'.repeat(1_500) }, 'request')
  `
  const writer = `"${process.execPath}" --input-type=module -e "${logs}"`
  const shell = spawn('sh', ['-c', `{ ${writer} & ${writer} & wait; } | dd bs=1000 status=none`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = (await text(shell.stdout)).trimEnd().split('\n')
  const broken = lines.filter((line) => !/^\{"level":30,[^{}]*,"msg":"request"\}$/.test(line))
  expect([broken, lines.length]).toEqual([[], 2_000])
})

test('when the disk is too full to log, requests are still answered and the process still exits', async () => {
  const origin = await startOrigin((_request, response) => void response.end('ok'))
  const full = openSync('/dev/full', 'w')
  const [port, admin] = [await freePort(), await freePort()].map(String)
  const flags = ['--origin', origin.url, '--host', '127.0.0.1', '--port', `${port}`, '--admin-port', `${admin}`]
  const child = spawn(process.execPath, ['src/cli.ts', 'serve', ...flags], { stdio: ['ignore', full, 'inherit'] })
  try {
    const ask = () => get(`http://127.0.0.1:${port}/x`).catch(() => undefined)
    await until(async () => (await ask())?.body === 'ok', 'it answers')
    for (let at = 0; at < 10; at++) expect(await ask()).toMatchObject({ body: 'ok' })
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
    closeSync(full)
    await origin.kill()
  }
})

test('unread log lines take a bounded amount of memory; once they are read, the number lost is logged', async () => {
  const script = `
    import { openLog } from './src/logging/log.ts'
    const { logger } = openLog('info')
    for (let at = 0; at < 20_000; at++) logger.info({ path: 'p'.repeat(1_500) }, 'request')
    logger.fatal('the last line')
    process.stderr.write('logged')
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  await once(child.stderr, 'data')
  const lines = (await text(child.stdout)).trimEnd().split('\n')
  const last = JSON.parse(lines.pop() ?? '')
  expect(last).toMatchObject({ level: 40, lines: 20_001 - lines.length })
  expect(lines.join().length).toBeLessThan(17 * 2 ** 20)
})
