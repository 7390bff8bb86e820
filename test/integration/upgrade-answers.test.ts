/** A WebSocket handshake is a request like any other until its protocol has changed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RawClient } from '../hostile/client.ts'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get, until } from '../support/http.ts'
import { type RawOrigin, rawOrigin } from '../support/raw-origin.ts'

const OWN = 'Surrogate-Key: chat\r\nHerdgate-Cache-Control: max-age=9\r\nX-Kept: 1\r\n'
const SWITCHED = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${OWN}\r\n`
const REFUSED = `HTTP/1.1 403 Forbidden\r\n${OWN}Content-Length: 4\r\n\r\nnope`

let origin: RawOrigin
let herdgate: Herdgate
beforeAll(async () => {
  origin = await rawOrigin(({ socket, head }) => void socket.write(head.startsWith('GET /open ') ? SWITCHED : REFUSED))
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'info'])
})
afterAll(async () => {
  await herdgate.stop('SIGKILL')
  await origin.close()
})

async function shake(path: string): Promise<RawClient> {
  const client = await RawClient.connect(Number(new URL(herdgate.url).port))
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

test('its answer says how it came about, and keeps what is for the cache alone', async () => {
  using refused = await shake('/closed')
  const { responses } = await refused.heard(1)
  expect([responses[0]?.status, responses[0]?.body]).toEqual([403, 'nope'])
  using open = await shake('/open')
  await until(async () => (await open.heard(0)).text.includes('\r\n\r\n'), 'it is answered')
  const heads = [responses[0]?.head ?? '', (await open.heard(0)).text]
  for (const head of heads) {
    expect(head).toMatch(/^via: 1\.1 herdgate\r$/im)
    expect(head).toMatch(/^cache-status: herdgate; fwd=bypass; fwd-status=(403|101); detail=upgrade\r$/im)
    expect(head).toMatch(/^x-kept: 1\r$/im)
    expect(head).not.toMatch(/surrogate-key|herdgate-cache-control/i)
  }
  expect(heads[1]).toMatch(/^connection: upgrade\r\nupgrade: websocket\r$/im)
})

test('it is counted and logged, answered by the origin or by us', async () => {
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
