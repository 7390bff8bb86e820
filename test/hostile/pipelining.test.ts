/** A request pipelined behind an unanswered one is handled in its turn, or the connection is closed before it. */
import { describe, expect, test } from 'vitest'
import { ok, type RawRequest } from '../support/raw-origin.ts'
import { answering } from './answering.ts'
import { gate, until } from '../support/waiting.ts'

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
const HANDSHAKE = 'GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
const CONNECT = 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n'
/** More than the socket buffers hold for a client that does not read. */
const LARGE = 'x'.repeat(16 * 2 ** 20)

const at = answering()
const asking = (path: string, method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`
const pathOf = ({ head }: RawRequest): string => head.split(' ')[1] ?? ''
const headOf = (path: string): string | undefined =>
  at.origin.requests.find((request) => pathOf(request) === path)?.head
const asked = (path: string): Promise<void> => until(() => headOf(path) !== undefined)

/** Answers with the path: `/slow` once opened, everything else at once. */
function slowly(): { open: () => void } {
  const slow = gate()
  at.answer = (request) => {
    const give = () => void request.socket.write(ok(pathOf(request), 'Cache-Control: no-store\r\n'))
    if (pathOf(request) === '/slow') void slow.opened.then(give)
    else if (/^upgrade:/im.test(request.head)) request.socket.write(SWITCHED)
    else give()
  }
  return slow
}

describe('a WebSocket handshake pipelined behind a pending answer', () => {
  test('is handled as an ordinary request in its turn', async () => {
    const slow = slowly()
    using client = await at.connected()
    client.send(asking('/slow'))
    await asked('/slow')
    client.send(HANDSHAKE)
    await asked('/chat')
    slow.open()
    const { responses, interim, closed } = await client.receive(3)
    expect(responses.map(({ status, body }) => [status, body])).toEqual([
      [200, '/slow'],
      [200, '/chat'],
    ])
    expect([interim, closed]).toEqual([[], true])
    expect(headOf('/chat')).not.toMatch(/upgrade/i)
  })

  test('is treated the same if both arrived at once', async () => {
    const slow = slowly()
    using client = await at.connected()
    client.send(asking('/slow') + HANDSHAKE)
    await asked('/slow')
    await asked('/chat')
    slow.open()
    const { responses, closed } = await client.receive(3)
    expect([responses.map(({ body }) => body), closed]).toEqual([['/slow', '/chat'], true])
  })
})

describe('a CONNECT pipelined behind a pending answer', () => {
  test('closes the connection after that answer', async () => {
    const slow = slowly()
    using client = await at.connected()
    client.send(asking('/slow'))
    await asked('/slow')
    client.send(`${CONNECT}what would go through a tunnel`)
    slow.open()
    const { responses, closed, rest } = await client.receive(2)
    expect([responses.map(({ body }) => body), closed, rest]).toEqual([['/slow'], true, ''])
    client.end()
    await client.gone()
    expect(client.failure).toBeUndefined()
  })

  test('adds nothing to the content of that answer, which arrives completely', async () => {
    at.answer = ({ socket }) => void socket.write(ok(LARGE))
    using client = await at.connected()
    client.pause()
    client.send(asking('/large'))
    await asked('/large')
    client.send(CONNECT)
    client.send('more')
    client.resume()
    const { responses, closed, rest } = await client.receive(2)
    expect(responses.map(({ body }) => body === LARGE)).toEqual([true])
    expect([closed, rest]).toEqual([true, ''])
  })

  test('closes the connection after the last of several answers', async () => {
    const slow = slowly()
    using client = await at.connected()
    client.send(asking('/slow') + asking('/second') + asking('/third') + CONNECT)
    await asked('/third')
    slow.open()
    const { responses, closed } = await client.receive(4)
    expect([responses.map(({ body }) => body), closed]).toEqual([['/slow', '/second', '/third'], true])
  })

  test('does not make others wait for a client that has gone', async () => {
    at.answer = () => {}
    using client = await at.connected()
    client.send(asking('/first', 'REPORT') + asking('/second', 'REPORT') + CONNECT + LARGE)
    await asked('/first')
    await asked('/second')
    client.reset()
    await until(() => at.origin.requests.every(({ socket }) => socket.destroyed))
  })
})

describe('an unsafe request', () => {
  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'MOVE'])(
    '%s begins in its turn, and so does what comes behind it',
    async (method) => {
      const slow = slowly()
      using client = await at.connected()
      client.send(asking('/slow') + asking('/beside') + asking('/unsafe', method) + asking('/behind'))
      await asked('/beside')
      expect([headOf('/unsafe'), headOf('/behind')]).toEqual([undefined, undefined])
      slow.open()
      const { responses } = await client.receive(4)
      expect(responses.map(({ body }) => body)).toEqual(['/slow', '/beside', '/unsafe', '/behind'])
    },
  )

  test('is followed by a fresh answer to the next request, not by the stored response it invalidates', async () => {
    let version = 0
    at.answer = ({ head, socket }) => {
      if (!head.startsWith('GET')) version++
      void socket.write(ok(`version ${version}`, 'Cache-Control: max-age=60\r\n'))
    }
    using client = await at.connected()
    client.send(asking('/u') + asking('/u', 'POST') + asking('/u') + asking('/u'))
    const { responses } = await client.receive(4)
    expect(responses.map(({ body }) => body)).toEqual(['version 0', 'version 1', 'version 1', 'version 1'])
  })

  test.each([
    [100_000, 'all of which fits into a buffer'],
    [200_000, 'not all of which does'],
  ])('with content that arrives while it waits is forwarded completely: %d octets, %s', async (size) => {
    const slow = gate()
    at.answer = ({ head, rest, socket }) => {
      if (head.startsWith('GET'))
        return void slow.opened.then(() => socket.write(ok('slow', 'Cache-Control: no-store\r\n')))
      let bytes = rest.length
      const count = (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes === size) socket.end(ok(String(bytes), 'Cache-Control: no-store\r\nConnection: close\r\n'))
      }
      socket.on('data', count)
    }
    using client = await at.connected()
    const head = `POST /upload HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${size}\r\n\r\n`
    client.send(asking('/slow') + head + 'x'.repeat(size))
    await asked('/slow')
    slow.open()
    const { responses } = await client.receive(2)
    expect(responses.map(({ body }) => body)).toEqual(['slow', String(size)])
  })
})

test('a request that expects 100 gets it before its own answer, not within it', async () => {
  const content = 'x'.repeat(40_000)
  const slow = gate()
  at.answer = (request) => {
    if (pathOf(request) === '/slow') void slow.opened.then(() => request.socket.write(ok('slow')))
    else request.socket.write(ok(content, 'Cache-Control: max-age=60\r\n'))
  }
  using client = await at.connected()
  client.send(asking('/large'))
  await client.receive(1)
  client.send(`${asking('/slow')}GET /large HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n\r\n`)
  await asked('/slow')
  slow.open()
  const { responses, interim, rest } = await client.receive(3)
  expect([responses.map(({ body }) => body), interim, rest]).toEqual([[content, 'slow', content], [100], ''])
})

test('an answer that breaks off in its turn closes the connection without a reset, which could overtake earlier answers', async () => {
  const half = gate()
  at.answer = ({ socket, head }) => {
    if (!head.startsWith('GET /breaks')) return void socket.write(ok('whole'))
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
    void half.opened.then(() => socket.destroy())
  }
  using client = await at.connected()
  client.send(asking('/before') + asking('/breaks'))
  client.send(`POST /behind HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${LARGE.length}\r\n\r\n${LARGE}`)
  await until(() => client.received.endsWith('half'))
  half.open()
  const { responses, closed } = await client.receive(2)
  expect([responses.map(({ body }) => body), closed]).toEqual([['whole'], true])
  client.end()
  await client.gone()
  expect(client.failure).toBeUndefined()
})

const CHUNKED = 'POST /upload HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n'

describe('garbage after complete requests', () => {
  test('does not cost any of them its answer', async () => {
    const slow = slowly()
    using client = await at.connected()
    client.send(`${asking('/slow')}${asking('/second')}nonsense\0`)
    await asked('/second')
    slow.open()
    const { responses, closed, rest } = await client.receive(3)
    expect([responses.map(({ body }) => body), closed, rest]).toEqual([['/slow', '/second'], true, ''])
  })

  test('is answered after them if all of them have been, in whatever packets it came', async () => {
    at.answer = (request) => void request.socket.write(ok(pathOf(request), 'Cache-Control: max-age=60\r\n'))
    for (const garbage of ['nonsense\0', `${CHUNKED}x\r\n`, `${CHUNKED}2\r\nok\r\nx\r\n`]) {
      using client = await at.connected()
      client.send(asking('/hit'))
      await client.receive(1)
      client.send(asking('/hit') + asking('/hit') + garbage)
      const { responses, closed, rest } = await client.receive(5)
      expect([responses.map(({ status }) => status), closed, rest]).toEqual([[200, 200, 200, 400], true, ''])
    }
  })

  test('within the content of a request that has been answered adds nothing to its answer', async () => {
    at.answer = (request) => void request.socket.write(ok('too much'))
    using client = await at.connected()
    client.send(`${CHUNKED}2\r\nok\r\n`)
    await client.receive(1)
    client.send('nonsense\r\n')
    const { responses, closed, rest } = await client.receive(2)
    expect([responses.map(({ body }) => body), closed, rest]).toEqual([['too much'], true, ''])
  })

  test('within the content of a request costs only that request its answer', async () => {
    const slow = slowly()
    using client = await at.connected()
    client.send(`${asking('/slow')}${CHUNKED}2\r\nok\r\n`)
    await asked('/slow')
    client.send('nonsense\0')
    slow.open()
    const { responses, closed } = await client.receive(3)
    const [first, ...others] = responses
    expect([first?.body, closed]).toEqual(['/slow', true])
    // If the garbage is read only after that answer has left, it is answered itself.
    expect(others.filter(({ status }) => status !== 400)).toEqual([])
  })
})

const KEPT_ALIVE = 'Connection: keep-alive\r\n'

test.each([
  ['HTTP/1.1', ''],
  ['HTTP/1.0', KEPT_ALIVE],
])(
  'an answer by %s that breaks off before its turn ends the connection when its turn comes',
  async (version, field) => {
    const slow = gate()
    at.answer = (request) => {
      if (pathOf(request) === '/slow') void slow.opened.then(() => request.socket.write(ok('/slow')))
      else request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')
    }
    using client = await at.connected()
    client.send(asking('/slow') + `GET /broken ${version}\r\nHost: a.test\r\n${field}\r\n`)
    await asked('/broken')
    await until(() => at.origin.requests.some((request) => pathOf(request) === '/broken' && request.socket.destroyed))
    slow.open()
    const { responses, closed } = await client.receive(2)
    expect([responses.map(({ body }) => body), closed]).toEqual([['/slow'], true])
  },
)
