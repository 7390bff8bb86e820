import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get, until } from '../support/http.ts'
import { ok, type RawOrigin, type RawRequest, rawOrigin } from '../support/raw-origin.ts'

/* Each test is a fault that was once found from outside, named after what a user saw. */
/** Far from the time that answers in flight have, which is 30 s. */
const SOON_MS = 20_000

let origin: RawOrigin
let herdgate: Herdgate

async function start(answer: (request: RawRequest) => void, flags: string[] = []): Promise<void> {
  origin = await rawOrigin(answer)
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'silent', ...flags])
}

afterEach(async () => {
  await herdgate.stop('SIGKILL')
  await origin.close()
})

const port = () => Number(new URL(herdgate.url).port)

/** Sends octets, optionally the end after them, and gives all that comes back. */
async function exchange(octets: string, end = false, at = port()): Promise<string> {
  const socket = net.connect({ port: at, host: '127.0.0.1', allowHalfOpen: true })
  if (end) socket.end(octets)
  else socket.write(octets)
  return Buffer.concat(await socket.toArray()).toString('latin1')
}

function refuses(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = net.connect(port(), '127.0.0.1', () => {
    socket.destroy()
    resolve(false)
  })
  socket.once('error', () => resolve(true))
  return promise
}

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

describe('SIGTERM', () => {
  test.each([
    ['half a head', 'GET / HT'],
    ['an upload whose answer came before its end', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab'],
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

  test('waits for an answer that is due', async () => {
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

  test('lets that answer say that it is the last, unless a pipelined request follows', async () => {
    const sockets: net.Socket[] = []
    await start(({ socket }) => void sockets.push(socket))
    const alone = exchange('GET /alone HTTP/1.1\r\nHost: a\r\n\r\n')
    const two = exchange('GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => sockets.length === 3, 'the requests at the origin')
    const stopped = herdgate.stop()
    await until(refuses, 'it has heard')
    for (const socket of sockets) socket.write(ok('late'))
    expect(await alone).toMatch(/^HTTP\/1.1 200 OK[^]*Connection: close[^]*late$/)
    expect((await two).match(/late/g)).toHaveLength(2)
    expect(await stopped).toBe(0)
  })
})

test('a client that closes its half after the request still gets the answer', async () => {
  await start(({ socket }) => void setTimeout(() => socket.write(ok('answer')), 200))
  expect(await exchange('GET /x HTTP/1.1\r\nHost: a\r\n\r\n', true)).toMatch(/^HTTP\/1.1 200 OK[^]*answer$/)
})

describe('Cache-Status says stored only of what is', () => {
  test('not of a response above the limit, whose key is remembered', async () => {
    const large = `Cache-Control: max-age=60\r\n`
    await start(({ socket }) => void socket.write(ok('x'.repeat(70_000), large)), ['--memory', '64KiB'])
    expect((await get(`${herdgate.url}/x`)).cacheStatus).toBe(
      'herdgate; fwd=uri-miss; fwd-status=200; detail=too-large',
    )
    expect((await get(`${herdgate.url}/x`)).cacheStatus).toContain('detail=unshareable')
  })

  test('not of a response that a purge has overtaken', async () => {
    let answer = () => {}
    await start(({ socket }) => {
      answer = () => void socket.write(ok('x', 'Cache-Control: max-age=60\r\n'))
    })
    const first = get(`${herdgate.url}/x`)
    await until(() => origin.requests.length === 1, 'the request at the origin')
    await herdgate.ask('/v1/purge', { all: true })
    answer()
    expect((await first).cacheStatus).toBe('herdgate; fwd=uri-miss; fwd-status=200')
  })
})

test('a response cut short reaches an HTTP/1.0 client as a reset, not as its end', async () => {
  await start(({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
    setTimeout(() => socket.destroy(), 100)
  })
  await expect(exchange('GET /x HTTP/1.0\r\nHost: a\r\n\r\n')).rejects.toMatchObject({ code: 'ECONNRESET' })
})

test('If-Match is for the origin to evaluate', async () => {
  await start(({ socket, head }) =>
    socket.write(
      /if-match: "zz"/i.test(head)
        ? 'HTTP/1.1 412 No\r\nContent-Length: 0\r\n\r\n'
        : ok('x', 'Cache-Control: max-age=60\r\n'),
    ),
  )
  await get(`${herdgate.url}/x`)
  expect((await get(`${herdgate.url}/x`, { headers: { 'If-Match': '"zz"' } })).status).toBe(412)
})

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

test('SIGTERM does not wait for a refresh that nobody waits for', async () => {
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

test('the admin port answers a request without Host as it answers every error', async () => {
  await start(({ socket }) => void socket.write(ok()))
  const at = Number(new URL(herdgate.admin).port)
  const answer = await exchange('GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', false, at)
  expect(answer).toMatch(/^HTTP\/1.1 400 /)
  expect(answer).toMatch(/^content-type: application\/problem\+json\r$/im)
  expect(await exchange('GET /livez HTTP/1.0\r\n\r\n', false, at)).toMatch(/^HTTP\/1.1 200 /)
})

test('Cache-Status says why an error of the origin was not kept, and that the request forbade it', async () => {
  await start(({ socket, head }) => {
    socket.write(head.startsWith('GET /down') ? 'HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n' : ok())
  })
  const down = await get(`${herdgate.url}/down`)
  expect(down.cacheStatus).toBe('herdgate; fwd=uri-miss; fwd-status=503; detail=status')
  const asked = await get(`${herdgate.url}/x`, { headers: { 'Cache-Control': 'no-store' } })
  expect(asked.cacheStatus).toBe('herdgate; fwd=request; fwd-status=200; detail=request-no-store')
})

test('it says that it listens when it is ready: also where Redis is down', async () => {
  await start(({ socket }) => void socket.write(ok()), ['--redis', 'redis://127.0.0.1:1'])
  const { status, body } = await herdgate.ask('/readyz')
  expect([status, body.status, body.degraded]).toEqual([200, 'ready', expect.arrayContaining(['redis'])])
})

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
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'silent', ...flags])
  expect(await explained()).toEqual(['serve', 'disk', ['a', 'g']])
  expect(await explained()).toEqual(['serve', 'disk', ['a', 'g']])
  expect(await exchange(request)).toContain('herdgate; hit')
  expect(await explained()).toEqual(['serve', 'memory', ['a', 'g']])
})
