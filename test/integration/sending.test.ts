/** What reaches the client as the origin sent it, and how it ends. */
import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import net from 'node:net'
import { expect, test } from 'vitest'
import { MAX_AHEAD } from '../../src/ports/pipelining.ts'
import { exchange, herdgate, port, start } from '../support/before-raw-origin.ts'
import { get } from '../support/http.ts'
import { ok } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const TRAILERS =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n'

test('a Trailer field in the answer to a HEAD or for an HTTP/1.0 client does not end the process', async () => {
  await start(({ socket, head }) => socket.write(head.startsWith('HEAD') ? TRAILERS.slice(0, -17) : TRAILERS))
  expect((await get(`${herdgate.url}/x`, { method: 'HEAD' })).status).toBe(200)
  expect(await exchange('GET /y HTTP/1.0\r\nHost: a\r\n\r\n')).toMatch(/^HTTP\/1.1 200 OK[^]*abc$/)
  expect(herdgate.child.exitCode).toBeNull()
})

test.each([
  'Link: </a.css>; rel=preload, </b.js>; rel=preload',
  'Link: </a>; rel=preload; title="a b"',
  'X-Hint: no link at all',
])('a 103 with "%s" is passed on, and the answer after it', async (hint) => {
  await start(({ socket }) => socket.write(`HTTP/1.1 103 Early Hints\r\n${hint}\r\n\r\n${ok('body')}`))
  const request = http.get(`${herdgate.url}/x`)
  const hints: string[][] = []
  request.on('information', ({ rawHeaders }) => hints.push(rawHeaders))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  expect(Buffer.concat(await response.toArray()).toString()).toBe('body')
  expect(hints).toEqual([hint.split(/: (.*)/, 2)])
})

test('octets beyond ASCII in a field arrive as the origin sent them, while content streams and from the cache', async () => {
  const field = 'Content-Disposition: attachment; filename="caf\u00e9.pdf"\r\n'
  let sendRest = (): unknown => undefined
  await start(({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\n${field}Cache-Control: max-age=60\r\nContent-Length: 8\r\n\r\nhalf`)
    sendRest = () => socket.write('half')
  })
  const request = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  const socket = net.connect(port(), '127.0.0.1', () => socket.write(request))
  await once(socket, 'readable')
  sendRest()
  expect(Buffer.concat(await socket.toArray()).toString()).toContain(field)
  const stored = Buffer.from(await exchange(request), 'latin1').toString()
  expect(stored).toContain('herdgate; hit')
  expect(stored).toContain(field)
})

test.each([
  ['ISO 8859-1', 'caf\u00e9'],
  ['UTF-8', 'caf\u00c3\u00a9'],
])('a file name in %s arrives as the origin sent it if Content-Length comes before it', async (_, name) => {
  const field = `Content-Disposition: attachment; filename="${name}.pdf"\r\n`
  const head = `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n${field}Cache-Control: no-store\r\n\r\n`
  await start(({ socket }) => socket.write(`${head}file`, 'latin1'))
  expect(await exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toContain(field)
})

test('a client that half-closes after the request still gets the answer', async () => {
  await start(({ socket }) => void setTimeout(() => socket.write(ok('answer')), 200))
  expect(await exchange('GET /x HTTP/1.1\r\nHost: a\r\n\r\n', true)).toMatch(/^HTTP\/1.1 200 OK[^]*answer$/)
})

test('clients that half-close are still answered, but like those that leave no longer count as waiting', async () => {
  const answers: (() => void)[] = []
  await start(({ socket }) => void answers.push(() => socket.write(ok('answer', 'Cache-Control: max-age=60\r\n'))))
  const wait = async (count: number) => until(async () => (await herdgate.ask('/v1/stats')).body.waiting === count)
  const request = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n'
  const client = (octets: string) => {
    const socket = net.connect({ port: port(), host: '127.0.0.1', allowHalfOpen: true })
    socket.write(octets)
    return { socket, answers: socket.toArray().then((chunks) => Buffer.concat(chunks).toString('latin1')) }
  }
  const leave = [client(request), client(request.repeat(20)), client(request)]
  const gone = net.connect(port(), '127.0.0.1', () => gone.write(request))
  const begun = 1 + MAX_AHEAD // so many of the pipelined requests begin at once
  await wait(3 + begun)
  const stays = client(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  await wait(4 + begun)
  for (const { socket } of leave) socket.end()
  gone.destroy()
  await wait(1 + begun - 1) // one pipelined request fewer, though all are answered
  expect((await herdgate.ask('/v1/stats')).body.inFlight).toBe(1)
  answers[0]?.()
  const counts = (await Promise.all([...leave, stays].map((one) => one.answers))).map(
    (text) => text.split('answer').length - 1,
  )
  expect(counts).toEqual([1, 20, 1, 1])
  await wait(0)
  expect(answers).toHaveLength(1)
})

test('a response cut short reaches an HTTP/1.0 client as a reset, not as its end', async () => {
  await start(({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
    setTimeout(() => socket.destroy(), 100)
  })
  await expect(exchange('GET /x HTTP/1.0\r\nHost: a\r\n\r\n')).rejects.toMatchObject({ code: 'ECONNRESET' })
})

test.each(['Cache-Control: max-age=60', 'Cache-Control: no-store'])(
  'trailers that arrive together with head and content are passed on (%s)',
  async (control) => {
    await start(({ socket }) => socket.write(TRAILERS.replace('\r\n\r\n', `\r\n${control}\r\n\r\n`)))
    expect(await exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(
      /abc\r\n0\r\nx-sum: 1\r\n\r\n$/i,
    )
  },
)
