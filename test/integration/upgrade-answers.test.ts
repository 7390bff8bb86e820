/** A WebSocket handshake is a request like any other until its protocol has changed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RawClient } from '../hostile/client.ts'
import { temporaryFolder } from '../support/folder.ts'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get } from '../support/http.ts'
import { deadPort, ok, type RawOrigin, type RawRequest, rawOrigin } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const DATES = 'Date: Fri, 20 Nov 2026 10:00:01 GMT\r\nDate: Fri, 20 Nov 2026 10:00:00 GMT\r\n'
const OWN = `Surrogate-Key: chat\r\nHerdgate-Cache-Control: max-age=9\r\n${DATES}X-Kept: 1\r\n`
const SWITCHED = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${OWN}\r\n`
const REFUSED = `HTTP/1.1 403 Forbidden\r\n${OWN}Content-Length: 4\r\n\r\nnope`

const ANSWERS: ReadonlyMap<string, string> = new Map([
  ['/dateless', REFUSED.replace(DATES, '')],
  ['/open-dateless', SWITCHED.replace(DATES, '')],
  ['/open-unnamed', SWITCHED.replace(/(?:Connection|Upgrade): .*\r\n/g, '')],
  ['/open-h2c', SWITCHED.replace('websocket', 'h2c')],
])

let origin: RawOrigin
let herdgate: Herdgate
beforeAll(async () => {
  origin = await rawOrigin(({ socket, head }) => {
    const [, path = ''] = head.split(' ')
    const answer = ANSWERS.get(path)
    if (answer !== undefined) socket.write(answer)
    else if (path === '/failing') socket.destroy()
    else socket.write(head.startsWith('GET /open ') ? SWITCHED : REFUSED)
  })
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'info'])
})
afterAll(async () => {
  await herdgate.stop('SIGKILL')
  await origin.close()
})

async function shake(path: string, { url } = herdgate): Promise<RawClient> {
  const client = await RawClient.connect(Number(new URL(url).port))
  client.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
  return client
}

const counted = async (labels: RegExp): Promise<number> => {
  const { body } = await get(`${herdgate.admin}/metrics`)
  return Number(
    body
      .split('\n')
      .find((line) => line.startsWith('herdgate_requests_total') && labels.test(line))
      ?.split(' ')[1] ?? 0,
  )
}

test('the answer to a handshake has Via and Cache-Status, and no fields meant for the cache alone', async () => {
  using refused = await shake('/closed')
  const { responses } = await refused.receive(1)
  expect([responses[0]?.status, responses[0]?.body]).toEqual([403, 'nope'])
  using open = await shake('/open')
  await until(async () => (await open.receive(0)).text.includes('\r\n\r\n'), 'it is answered')
  const heads = [responses[0]?.head ?? '', (await open.receive(0)).text]
  for (const head of heads) {
    expect(head).toMatch(/^via: 1\.1 herdgate\r$/im)
    expect(head).toMatch(/^cache-status: herdgate; fwd=bypass; fwd-status=(403|101); detail=upgrade\r$/im)
    expect(head).toMatch(/^x-kept: 1\r$/im)
    expect(head.match(/^date: .*/gim)).toEqual(['Date: Fri, 20 Nov 2026 10:00:00 GMT'])
    expect(head).not.toMatch(/surrogate-key|herdgate-cache-control/i)
  }
  expect(heads[1]).toMatch(/^connection: upgrade\r\nupgrade: websocket\r$/im)
})

test('the answer to a handshake gets a Date if it has none', async () => {
  for (const path of ['/dateless', '/open-dateless']) {
    using client = await shake(path)
    await until(() => client.received.includes('\r\n\r\n'), 'it is answered')
    expect(client.received.match(/^date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r$/gim)).toHaveLength(1)
  }
})

test.each(['/open-unnamed', '/open-h2c'])(
  'a switch to a protocol that was not asked for is no answer: %s',
  async (path) => {
    using client = await shake(path)
    const { responses, interim, closed } = await client.receive(2)
    expect([responses.map(({ status }) => status), interim, closed]).toEqual([[502], [], true])
    await until(() => origin.requests.at(-1)?.socket.destroyed === true, 'its connection is closed')
  },
)

test('Cache-Status says fwd=bypass even if the origin fails, but not if the handshake is not sent on', async () => {
  using failed = await shake('/failing')
  const { responses } = await failed.receive(1)
  expect(responses[0]?.status).toBe(502)
  expect(responses[0]?.head).toMatch(/^cache-status: herdgate; fwd=bypass; detail=origin_reset\r$/im)
  using looped = await RawClient.connect(Number(new URL(herdgate.url).port))
  const fields = ['Host: a.test', 'Connection: Upgrade', 'Upgrade: websocket', 'Via: 1.1 herdgate']
  looped.send(`${['GET /loop HTTP/1.1', ...fields].join('\r\n')}\r\n\r\n`)
  expect((await looped.receive(1)).responses[0]?.head).toMatch(/^cache-status: herdgate; detail=loop\r$/im)
})

test('explain says what would be done with a handshake', async () => {
  const explain = async (node: Herdgate, ...lines: string[]) => {
    const asked = new URLSearchParams({ url: `${node.url}/open` })
    for (const line of lines) asked.append('header', line)
    return (await node.ask(`/v1/explain?${asked}`)).body
  }
  const handshake = ['Connection: keep-alive, Upgrade', 'Upgrade: WebSocket']
  await using several = await startHerdgate(['--origin', origin.url, '--workers', '2'])
  for (const node of [herdgate, several]) {
    expect(await explain(node, ...handshake)).toMatchObject({ route: 'default', decision: 'pass', why: 'upgrade' })
    for (const other of [[], ['Upgrade: websocket'], ['Connection: Upgrade', 'Upgrade: h2c']]) {
      expect(await explain(node, ...other)).toMatchObject({ decision: 'fetch', why: 'uri-miss' })
    }
    expect(await explain(node, ...handshake, 'Content-Length: 1')).toMatchObject({ decision: 'pass', why: 'body' })
    expect(await explain(node, ...handshake, 'Via: 1.1 herdgate')).toMatchObject({ decision: 'error', why: 'loop' })
  }
})

test('a handshake is counted and logged, whether or not it is sent on', async () => {
  const before = await counted(/result="pass".*code_class="1xx"/)
  using client = await shake('/open')
  await until(async () => (await counted(/result="pass".*code_class="1xx"/)) === before + 1, 'it is counted')
  expect(client.failure).toBeUndefined()
  const failed = await counted(/result="error".*code_class="5xx"/)
  using looped = await RawClient.connect(Number(new URL(herdgate.url).port))
  const fields = ['Host: a.test', 'Connection: Upgrade', 'Upgrade: websocket', 'Via: 1.1 herdgate']
  looped.send(`${['GET /loop HTTP/1.1', ...fields].join('\r\n')}\r\n\r\n`)
  await until(async () => (await counted(/result="error".*code_class="5xx"/)) === failed + 1, 'the refusal is counted')
  await until(() => herdgate.lines.some((line) => line.includes('/loop') && line.includes('508')), 'and logged')
})

test('handshakes count towards maxConcurrency until the origin has answered them', async () => {
  const held: RawRequest[] = []
  const slow = await rawOrigin((request) => void held.push(request))
  const config = join(temporaryFolder(), 'herdgate.yaml')
  writeFileSync(config, `version: 1\norigins: { default: { urls: ["${slow.url}"], maxConcurrency: 2 } }\n`)
  await using limited = await startHerdgate(['--config', config, '--log-level', 'silent'])
  const clients = await Promise.all([1, 2, 3].map((number) => shake(`/${number}`, limited)))
  try {
    await until(() => held.length === 2, 'two have reached the origin')
    const usage = async () => (await get(`${limited.admin}/metrics`)).body
    await until(async () => /^herdgate_origin_queue_depth\{[^}]*\} 1$/m.test(await usage()), 'the third waits')
    held[0]?.socket.write(SWITCHED)
    await until(() => held.length === 3, 'the third has reached the origin, though the first is open')
  } finally {
    for (const client of clients) client[Symbol.dispose]()
    await limited.stop('SIGKILL')
    await slow.close()
  }
})

test('a handshake goes to another URL of the origin if one cannot be reached', async () => {
  const config = join(temporaryFolder(), 'herdgate.yaml')
  const urls = [`http://127.0.0.1:${await deadPort()}`, origin.url, `http://127.0.0.1:${await deadPort()}`]
  writeFileSync(config, `version: 1\norigins: { default: { urls: ${JSON.stringify(urls)} } }\n`)
  await using several = await startHerdgate(['--config', config, '--log-level', 'silent'])
  for (let turn = 0; turn < 3; turn++) {
    using client = await shake('/open', several)
    await until(() => client.received.includes('\r\n\r\n'), 'it is answered')
    expect(client.received).toMatch(/^HTTP\/1\.1 101 /)
  }
})

test('to a route without webSockets a handshake is a plain request, and the last on its connection', async () => {
  const answering = await rawOrigin(({ socket, head }) => {
    socket.write(/^upgrade:/im.test(head) ? SWITCHED : ok('plain', 'Cache-Control: max-age=60\r\n'))
  })
  const config = join(temporaryFolder(), 'herdgate.yaml')
  const routes = '[{ name: pages, match: { path: "/pages/*" }, origin: all, webSockets: false }]'
  writeFileSync(config, `version: 1\norigins: { all: { urls: ["${answering.url}"] } }\nroutes: ${routes}\n`)
  await using some = await startHerdgate(['--config', config, '--log-level', 'silent'])
  try {
    using first = await shake('/pages/1', some)
    first.send('GET /pages/smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n')
    const { responses, interim, closed } = await first.receive(2)
    expect([responses.map(({ status, body }) => [status, body]), interim]).toEqual([[[200, 'plain']], []])
    expect(closed).toBe(true)
    expect(answering.requests.map(({ head }) => head.split(' ')[1])).toEqual(['/pages/1'])
    expect(answering.requests[0]?.head).not.toMatch(/upgrade/i)
    using second = await shake('/pages/1', some)
    const hit = await second.receive(1)
    expect(hit.responses[0]?.head).toMatch(/^cache-status: herdgate; hit;/im)
    using open = await shake('/chat', some)
    await until(() => open.received.startsWith('HTTP/1.1 101 '), 'other routes have them')
    const asked = new URLSearchParams({ url: 'http://a.test/pages/1' })
    for (const line of ['Connection: Upgrade', 'Upgrade: websocket']) asked.append('header', line)
    expect((await some.ask(`/v1/explain?${asked}`)).body).toMatchObject({ decision: 'serve', why: 'fresh' })
  } finally {
    await some.stop('SIGKILL')
    await answering.close()
  }
})
