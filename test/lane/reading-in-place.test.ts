import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ownOctets, type Reader, readInPlace } from '../../src/lane/reading-in-place.ts'
import type { HttpSocket } from '../../src/ports/connections.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

const MIB = 2 ** 20

type How =
  | 'into one buffer'
  | 'each into its own, by a handle that knows no other way'
  | 'each into its own, by a socket that does not show where'

/** A connection whose reader gets all reads first, and answers those that begin with "!" itself. */
async function open(how: How) {
  const heard: { octets: Buffer; own: Buffer; memory: ArrayBufferLike }[] = []
  const pushed: Buffer[] = []
  let accepted: HttpSocket | undefined
  const server = createServer({ allowHalfOpen: true }, (socket: HttpSocket) => {
    accepted = socket
    socket.on('error', () => {}) // A client may leave in any way when the test is over.
    socket.on('data', (chunk: Buffer) => pushed.push(chunk))
    socket.on('end', () => socket.end('end'))
    if (how.includes('handle')) Reflect.set(Reflect.get(socket, '_handle') ?? {}, 'useUserBuffer', undefined)
    const reader: Reader = (octets, length) => {
      const own = ownOctets(octets, length)
      heard.push({ octets: Buffer.from(octets.subarray(0, length)), own, memory: octets.buffer })
      if (octets[0] === '!'.charCodeAt(0)) return socket.write('!')
      const goesOn = push(own)
      socket.write('.')
      return goesOn
    }
    const push = how.includes('socket') ? readInPlace(socket, reader, null) : readInPlace(socket, reader)
  })
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  const ask = async (text: string): Promise<string> => {
    client.write(text)
    const [answer] = await once(client, 'data')
    return String(answer)
  }
  const socket = (): HttpSocket => {
    if (accepted === undefined) throw new Error('nothing was accepted')
    return accepted
  }
  return { ask, client, socket, heard, pushed }
}

describe.each<How>([
  'into one buffer',
  'each into its own, by a handle that knows no other way',
  'each into its own, by a socket that does not show where',
])('reads %s', (how) => {
  test('reach the reader first, and continue only if it pushes them', async () => {
    const { ask, client, heard, pushed } = await open(how)
    expect(await ask('!a')).toBe('!')
    expect(await ask('b')).toBe('.')
    expect(await ask('!c')).toBe('!')
    expect(heard.map(({ octets }) => String(octets))).toEqual(['!a', 'b', '!c'])
    expect(pushed.map(String)).toEqual(['b'])
    client.destroy()
  })

  test('keep their content, whatever is read next', async () => {
    const { ask, client, heard } = await open(how)
    for (const text of ['first', 'other', 'third']) await ask(text)
    expect(heard.map(({ own }) => String(own))).toEqual(['first', 'other', 'third'])
    expect(new Set(heard.map(({ memory }) => memory)).size).toBe(how === 'into one buffer' ? 1 : 3)
    client.destroy()
  })

  test('end as usual', async () => {
    const { ask, client, heard } = await open(how)
    await ask('a')
    const answer = once(client, 'data')
    client.end()
    expect(String(await answer)).toBe('end')
    expect(heard).toHaveLength(1)
    client.destroy()
  })

  test('pause while nothing consumes them, and arrive complete', async () => {
    const { ask, client, socket, heard, pushed } = await open(how)
    const received = () => pushed.reduce((sum, { length }) => sum + length, 0)
    await ask('a')
    socket().pause()
    client.write(Buffer.alloc(MIB, 'a'))
    for (let turn = 0; turn < 100; turn++) await setImmediate()
    expect(socket().readableLength).toBeLessThan(MIB / 2)
    socket().resume()
    await expect.poll(received).toBe(MIB + 1)
    expect(heard.every(({ own, octets }) => own.equals(octets))).toBe(true)
    client.destroy()
  })
})

test('reads of two connections are not mixed', async () => {
  const [one, other] = [await open('into one buffer'), await open('into one buffer')]
  await Promise.all([one.ask('one'), other.ask('other')])
  expect([String(one.pushed[0]), String(other.pushed[0])]).toEqual(['one', 'other'])
  expect(one.heard[0]?.memory).toBe(other.heard[0]?.memory)
  one.client.destroy()
  other.client.destroy()
})
