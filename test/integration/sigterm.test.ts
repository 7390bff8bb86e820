import { once } from 'node:events'
import net from 'node:net'
import { describe, expect, test } from 'vitest'
import { MAX_AHEAD } from '../../src/ports/pipelining.ts'
import { exchange, herdgate, origin, port, refuses, start } from '../support/before-raw-origin.ts'
import { get } from '../support/http.ts'
import { ok } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

/** Well below the 30 s that answers in flight have. */
const SOON_MS = 20_000
/** Makes it log what it does. */
const TOLD = ['--log-level', 'info']

describe('SIGTERM', () => {
  test.each([
    ['half a head', 'GET / HT'],
    ['an upload that was answered before its end', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab'],
  ])('does not wait for %s', async (_, octets) => {
    await start(({ socket }) => socket.write(ok('early')))
    const socket = net.connect(port(), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(octets)
    if (octets.startsWith('POST')) await once(socket, 'data')
    else await until(() => socket.bytesWritten === octets.length, 'the octets to be sent')
    await get(`${herdgate.url}/other`)
    const before = performance.now()
    expect(await herdgate.stop()).toBe(0)
    expect(performance.now() - before).toBeLessThan(SOON_MS)
  })

  test('waits for an answer in flight', async () => {
    let answer = () => {}
    await start(({ socket }) => {
      answer = () => void socket.write(ok('late'))
    })
    const due = get(`${herdgate.url}/slow`)
    await until(() => origin.requests.length === 1, 'the request at the origin')
    const stopped = herdgate.stop()
    await new Promise((resolve) => setTimeout(resolve, 300))
    answer()
    expect((await due).body).toBe('late')
    expect(await stopped).toBe(0)
  })

  test('answers all clients connected by then, even if their connections were not accepted yet', async () => {
    await start(({ socket }) => socket.write(ok('answer')))
    herdgate.child.kill('SIGSTOP')
    const sockets = Array.from({ length: 20 }, () => net.connect(port(), '127.0.0.1'))
    const answers = sockets.map(async (socket) => Buffer.concat(await socket.toArray()).toString('latin1'))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    for (const socket of sockets) socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
    const stopped = herdgate.stop()
    herdgate.child.kill('SIGCONT')
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1.1 200 OK[^]*answer$/)
    expect(await stopped).toBe(0)
  })

  test('sends an answer in flight with Connection: close, even while others still connect', async () => {
    let answer = () => {}
    await start(({ socket }) => {
      answer = () => void socket.write(ok('due'))
    }, TOLD)
    const due = exchange('GET /due HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => origin.requests.length === 1, 'the request at the origin')
    const connecting = setInterval(() => void net.connect(port(), '127.0.0.1').on('error', () => {}), 2)
    const stopped = herdgate.stop()
    await until(() => herdgate.lines.some((line) => line.includes('finishing')), 'it has received the signal')
    answer()
    expect(await due).toMatch(/^HTTP\/1.1 200 OK[^]*\r\nConnection: close\r\n[^]*due$/)
    clearInterval(connecting)
    expect(await stopped).toBe(0)
  })

  test('sends an answer in flight with Connection: close, unless a pipelined request follows', async () => {
    const sockets: net.Socket[] = []
    await start(({ socket }) => void sockets.push(socket))
    const alone = exchange('GET /alone HTTP/1.1\r\nHost: a\r\n\r\n')
    const two = exchange('GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => sockets.length === 3, 'the requests at the origin')
    const stopped = herdgate.stop()
    await until(refuses, 'it has received the signal')
    for (const socket of sockets) socket.write(ok('late'))
    expect(await alone).toMatch(/^HTTP\/1.1 200 OK[^]*Connection: close[^]*late$/)
    const [first = '', second] = (await two).split(/(?<=late)/)
    expect(first).not.toContain('Connection: close')
    expect(second).toMatch(/Connection: close[^]*late$/)
    expect(await stopped).toBe(0)
  })

  test('answers all pipelined requests, even those not begun yet, only the last with Connection: close', async () => {
    const sockets: net.Socket[] = []
    let isAnswering = false
    await start(({ socket }) => void (isAnswering ? socket.write(ok('late')) : sockets.push(socket)))
    const count = MAX_AHEAD + 4
    const all = exchange('GET / HTTP/1.1\r\nHost: a\r\nCache-Control: no-store\r\n\r\n'.repeat(count))
    await until(() => sockets.length === MAX_AHEAD + 1, 'the requests at the origin')
    const stopped = herdgate.stop()
    await until(refuses, 'it has received the signal')
    isAnswering = true
    for (const socket of sockets) socket.write(ok('late'))
    expect((await all).match(/late/g)).toHaveLength(count)
    expect((await all).match(/Connection: close/g)).toHaveLength(1)
    expect(await stopped).toBe(0)
  })
})

test('SIGTERM does not wait for a background refresh', async () => {
  let hang = false
  await start(
    ({ socket }) => void (hang || socket.write(ok('v1', 'Cache-Control: max-age=0, stale-while-revalidate=60\r\n'))),
  )
  await get(`${herdgate.url}/x`)
  hang = true
  expect((await get(`${herdgate.url}/x`)).cacheStatus).toContain('stale-while-revalidate')
  const before = performance.now()
  expect(await herdgate.stop()).toBe(0)
  expect(performance.now() - before).toBeLessThan(SOON_MS)
})
