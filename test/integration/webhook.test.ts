/** The webhook of docs/purging.md, also with input that it must refuse. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/waiting.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/purging.md'), 'utf8')
const SECRET = 'shared'

let admin: Server
let purges: string[]
let webhook: ChildProcess | undefined
let port: number

beforeEach(async () => {
  purges = []
  admin = createServer((request, response) => {
    request.setEncoding('utf8').once('data', (body: string) => {
      purges.push(body)
      response.end('{"purged":true}')
    })
  }).listen(0, '127.0.0.1')
  await once(admin, 'listening')
  port = await freePort()
})
afterEach(async () => {
  if (webhook?.exitCode === null && webhook.kill()) await once(webhook, 'exit')
  webhook = undefined
  admin.close()
})

test('a signed request purges, and gets the answer of the admin API', async () => {
  await start()
  expect(await post('{"product":42}')).toEqual([200, '{"purged":true}'])
  expect(purges).toEqual(['{"tags":["product-42","products"]}'])
})

test('an upload that breaks off does not end the webhook', async () => {
  await start()
  const socket = connect(port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc')
  await once(socket, 'ready')
  await until(async () => (await post('{}', 'none'))[0] === 401, 'the upload has begun')
  socket.destroy()
  await once(socket, 'close')
  expect(await post('{"product":42}')).toEqual([200, '{"purged":true}'])
})

test('while the admin port is out of reach the sender gets a 502, and may retry', async () => {
  await start()
  const { port: adminPort } = admin.address() as AddressInfo
  admin.close()
  await once(admin, 'close')
  expect(await post('{"product":42}')).toEqual([502, ''])
  admin.listen(adminPort, '127.0.0.1')
  await once(admin, 'listening')
  expect(await post('{"product":42}')).toEqual([200, '{"purged":true}'])
})

test.each(['{}', '{"product":"42"}', '{"product":null}', '{"product":1.5}'])(
  'nothing is purged for a body that names no product: %s',
  async (body) => {
    await start()
    expect(await post(body)).toEqual([400, ''])
    expect(purges).toEqual([])
  },
)

test('a body that is too long is refused with 413', async () => {
  await start()
  expect((await post(`{"product":42,"more":"${'x'.repeat(200_000)}"}`))[0]).toBe(413)
  expect(purges).toEqual([])
})

test.each(['WEBHOOK_SECRET', 'HERDGATE_ADMIN', 'HERDGATE_ADMIN_TOKEN'])(
  'the webhook does not start without %s',
  async (name) => {
    run({ [name]: undefined })
    expect(await ended()).toBeGreaterThan(0)
    run({ [name]: '' })
    expect(await ended()).toBeGreaterThan(0)
  },
)

async function start(): Promise<void> {
  run({})
  await until(async () => (await post('{}', 'none').catch(() => []))[0] === 401, 'the webhook listens')
}

function run(environs: Record<string, string | undefined>): void {
  const [, program = ''] = /^```ts\n([^]*?)^```$/m.exec(PAGE) ?? []
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'webhook.ts'), program)
  webhook = spawn(process.execPath, ['webhook.ts'], {
    cwd: folder,
    env: {
      HERDGATE_ADMIN: `http://127.0.0.1:${(admin.address() as AddressInfo).port}`,
      HERDGATE_ADMIN_TOKEN: 'token',
      WEBHOOK_SECRET: SECRET,
      PORT: String(port),
      ...environs,
    },
    stdio: 'ignore',
  })
}

async function ended(): Promise<number | null | undefined> {
  await until(() => webhook?.exitCode !== null, 'it has ended')
  return webhook?.exitCode
}

async function post(
  body: string,
  signature = createHmac('sha256', SECRET).update(body).digest('hex'),
): Promise<[number, string]> {
  const headers = { 'x-signature': signature }
  const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body, headers })
  return [answer.status, await answer.text()]
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: free } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return free
}
