import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { RequestListener, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createProxy } from '../../src/server/proxy.ts'
import { valid } from '../config/given.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startHerdgate } from '../support/herdgate.ts'
import { get, startOrigin } from '../support/http.ts'
import { until } from '../support/waiting.ts'

/** The memory that the process appears to take. */
const memory = vi.hoisted(() => ({ anonymous: 0 }))
vi.mock(import('../../src/heap/anonymous-memory.ts'), () => ({ anonymousBytes: () => memory.anonymous }))

const MIB = 2 ** 20

const ok: RequestListener = (_request, response) => void response.end('ok')

/** A proxy in this process. */
async function startProxy(handler: RequestListener) {
  const origin = await startOrigin(handler)
  onTestFinished(() => origin.kill())
  const config = valid({ flags: { origin: [origin.url], host: '127.0.0.1', port: '0' } })
  const proxy = createProxy(config, { logger: pino({ level: 'silent' }), pretty: false })
  return { proxy, url: await proxy.listen() }
}

test('during listen.drainDelay a node is not ready, still answers, and closes its connections', async () => {
  const origin = await startOrigin(
    (_request, response) => void response.setHeader('Cache-Control', 'max-age=60').end('ok'),
  )
  const config = join(temporaryFolder(), 'herdgate.yaml')
  writeFileSync(config, 'version: 1\nlisten: { drainDelay: 60s }\n')
  await using herdgate = await startHerdgate(['--config', config, '--origin', origin.url])
  const alive = { agent: undefined, headers: { connection: 'keep-alive' } }
  expect((await get(herdgate.url, alive)).headers.connection).toBe('keep-alive')

  herdgate.child.kill('SIGTERM')
  await until(async () => (await herdgate.ask('/readyz')).status === 503, 'it is no longer ready')
  const answer = await get(herdgate.url, alive)
  expect([answer.status, answer.body, answer.headers.connection]).toEqual([200, 'ok', 'close'])
  expect(herdgate.child.exitCode).toBeNull()
  await origin.kill()
  await herdgate.stop('SIGKILL')
})

test('a request in flight when draining begins is answered with Connection: close', async () => {
  const asked = Promise.withResolvers<ServerResponse>()
  const { proxy, url } = await startProxy((_request, response) => asked.resolve(response))
  onTestFinished(() => proxy.stop())
  const due = get(url, { agent: undefined, headers: { connection: 'keep-alive' } })
  const response = await asked.promise
  proxy.drain()
  response.end('ok')
  expect((await due).headers.connection).toBe('close')
})

test('after listen.drainDelay a node exits with 0', async () => {
  const origin = await startOrigin(ok)
  const config = join(temporaryFolder(), 'herdgate.yaml')
  writeFileSync(config, 'version: 1\nlisten: { drainDelay: 300ms }\n')
  await using herdgate = await startHerdgate(['--config', config, '--origin', origin.url])
  const before = performance.now()
  expect(await herdgate.stop()).toBe(0)
  expect(performance.now() - before).toBeGreaterThan(290)
  await origin.kill()
})

test('on close a connection may still send its first request, and is closed after a second without one', async () => {
  const { proxy, url } = await startProxy(ok)
  const now = performance.now()
  const time = vi.spyOn(performance, 'now').mockReturnValue(now)
  onTestFinished(() => void vi.restoreAllMocks())
  const [client, silent] = [0, 1].map(() => connect(Number(new URL(url).port), '127.0.0.1'))
  if (client === undefined || silent === undefined) throw new Error('never')
  await Promise.all([once(client, 'connect'), once(silent.resume(), 'connect')])
  expect((await get(url)).status).toBe(200) // so both are accepted

  const stopped = proxy.stop()
  await until(
    () =>
      get(url).then(
        () => false,
        () => true,
      ),
    'it takes no more connections',
  )
  let heard = ''
  client.setEncoding('latin1').on('data', (text) => (heard += text))
  client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await once(client, 'close')
  time.mockReturnValue(now + 1_001)
  await once(silent, 'close')
  expect(heard).toMatch(/^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n[^]*ok/i)
  await stopped
  await proxy.close()
})

test('on close a connection that has already been silent for a second is closed at once', async () => {
  const { proxy, url } = await startProxy(ok)
  const silent = connect(Number(new URL(url).port), '127.0.0.1').resume()
  await once(silent, 'connect')
  expect((await get(url)).status).toBe(200) // so it is accepted
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1_000) // and time stands still from then on
  onTestFinished(() => void vi.restoreAllMocks())
  const stopped = proxy.stop()
  await once(silent, 'close')
  await stopped
  await proxy.close()
})

test('while it drains, requests for what is not stored are refused only as long as memory is short', async () => {
  const container = 1024 * MIB
  vi.spyOn(process, 'constrainedMemory').mockReturnValue(container)
  const { proxy, url } = await startProxy(ok)
  onTestFinished(() => proxy.stop())

  proxy.drain()
  expect((await get(url)).status).toBe(200)
  memory.anonymous = container
  await until(async () => (await get(url)).status === 503, 'it is refused')
  memory.anonymous = 0
  await until(async () => (await get(url)).status === 200, 'it is answered again')
})

describe.each(['on', 'off'])('with lane: %s', (lane) => {
  test('a client that is still reading an answer from the cache on SIGTERM gets all of it', async () => {
    const size = 32 * MIB // more than the system's buffers hold
    const origin = await startOrigin(
      (_request, response) => void response.setHeader('Cache-Control', 'max-age=60').end(Buffer.alloc(size, 'x')),
    )
    const config = join(temporaryFolder(), 'herdgate.yaml')
    writeFileSync(config, `version: 1\nlane: ${lane}\nstore: { memory: { maxObjectBytes: 64MiB } }\n`)
    await using herdgate = await startHerdgate(['--config', config, '--origin', origin.url])
    const { host, port } = new URL(herdgate.url)
    await get(`${herdgate.url}/large`)

    const client = connect(Number(port), '127.0.0.1')
    client.write(`GET /large HTTP/1.1\r\nHost: ${host}\r\nRange: bytes=0-0\r\n\r\n`) // the lane does not answer ranges
    await once(client, 'data')
    client.pause()
    client.write(`GET /large HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await once(client, 'readable')
    const exited = once(herdgate.child, 'exit')
    herdgate.child.kill('SIGTERM')
    await until(() => isRefused(herdgate.url), 'no new connection is accepted')

    let taken = 0
    for await (const chunk of client) taken += (chunk as Buffer).length
    expect(taken).toBeGreaterThan(size)
    expect(await exited).toEqual([0, null])
    await origin.kill()
  })
})

const isRefused = (url: string): Promise<boolean> =>
  get(url).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === 'ECONNREFUSED',
  )
