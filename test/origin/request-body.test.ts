import { once } from 'node:events'
import { createServer, IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { OriginRequest } from '../../src/model.ts'
import { lend, takeArrived } from '../../src/origin/request-body.ts'
import { settle } from '../support/fake-clock.ts'
import { until } from '../support/waiting.ts'

function lent(source: Readable) {
  const turns: string[] = []
  const loan = lend(source, {
    waitingForClient: () => turns.push('client'),
    handedOver: () => turns.push('origin'),
  })
  return { loan, turns }
}

async function read(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

describe('a request body on loan', () => {
  test('yields the octets of its source', async () => {
    const { loan } = lent(Readable.from([Buffer.from('abc'), Buffer.from('de')]))
    expect(await read(loan)).toBe('abcde')
  })

  test('is empty if its source was read to its end', async () => {
    const source = Readable.from([Buffer.from('abc')])
    await read(source)
    expect(await read(lent(source).loan)).toBe('')
  })

  test('reports whether the client or the origin is awaited', async () => {
    const source = new PassThrough()
    const { loan, turns } = lent(source)
    const text = read(loan)
    await settle()
    expect(turns).toEqual(['client'])
    source.write('a')
    await settle()
    expect(turns).toEqual(['client', 'origin', 'client'])
    source.end()
    expect(await text).toBe('a')
    expect(turns).toEqual(['client', 'origin', 'client', 'origin'])
  })

  test('touches its source only when read, and leaves it as it was', async () => {
    const source = new PassThrough()
    const untouched = source.eventNames().length
    const { loan } = lent(source)
    expect(source.eventNames()).toHaveLength(untouched)
    source.write('abc')
    loan.read(0)
    loan.destroy()
    await once(loan, 'close')
    expect(source.destroyed).toBe(false)
    expect(source.eventNames()).toHaveLength(untouched)
  })

  test('breaks when its source breaks, or has broken', async () => {
    const breaking = new PassThrough()
    const { loan } = lent(breaking)
    const reading = expect(read(loan)).rejects.toMatchObject({ code: 'client_gone' })
    await settle()
    breaking.destroy(new Error('connection reset'))
    await reading
    await expect(read(lent(breaking).loan)).rejects.toMatchObject({ code: 'client_gone' })
  })

  test('reads no more from its source than is requested', async () => {
    let produced = 0
    const source = new Readable({
      read() {
        produced += 1
        this.push(Buffer.alloc(16_384))
      },
    })
    const { loan } = lent(source)
    loan.read(1)
    await settle()
    expect(produced).toBeLessThan(32)
    source.destroy()
  })
})

describe('content that came with its head', () => {
  const TEXT = '{"name":"a"}'

  test.each([
    ['is taken whole', `Content-Length: ${TEXT.length}\r\n\r\n${TEXT}`, TEXT],
    ['is left to be read if some of it is still to come', `Content-Length: 20\r\n\r\n${TEXT}`, undefined],
    ['is left to be read if it is chunked', `Transfer-Encoding: chunked\r\n\r\nc\r\n${TEXT}\r\n0\r\n\r\n`, undefined],
    ['is left to be read if there is none', 'Content-Length: 0\r\n\r\n', undefined],
  ])('%s', async (_, rest, expected) => {
    const message = await received(rest)
    expect(takeArrived(asked(message))?.toString()).toBe(expected)
    expect(message.readableDidRead).toBe(expected !== undefined)
  })

  test('is taken whole too if it has arrived in pieces, as while its request had to wait', async () => {
    const client = await connected()
    const message = await client.send(`Content-Length: ${TEXT.length}\r\n\r\n${TEXT.slice(0, 5)}`)
    client.socket.write(TEXT.slice(5))
    await until(() => message.complete)
    expect(takeArrived(asked(message))?.toString()).toBe(TEXT)
  })

  test('is not taken twice, nor from anything but the message itself', async () => {
    const message = await received(`Content-Length: ${TEXT.length}\r\n\r\n${TEXT}`)
    const { fields } = asked(message)
    expect(takeArrived({ ...asked(message), body: undefined })).toBeUndefined()
    expect(takeArrived({ ...asked(message), body: Readable.from([TEXT], { objectMode: false }) })).toBeUndefined()
    expect(
      takeArrived({ ...asked(message), fields: fields.map((part) => part.replace('Length', 'Size')) }),
    ).toBeUndefined()
    expect(takeArrived(asked(message))?.toString()).toBe(TEXT)
    expect(takeArrived(asked(message))).toBeUndefined()
  })

  const asked = (body: IncomingMessage): OriginRequest => ({
    method: 'POST',
    target: '/',
    fields: body.rawHeaders,
    body,
  })

  const received = async (rest: string): Promise<IncomingMessage> => (await connected()).send(rest)

  async function connected() {
    const server = createServer()
    onTestFinished(() => void server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    return {
      socket,
      /** The message as it is when the turn in which its head was received is over. */
      async send(rest: string): Promise<IncomingMessage> {
        const request = once(server, 'request')
        socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${rest}`)
        const [message]: unknown[] = await request
        if (!(message instanceof IncomingMessage)) throw new Error('no request')
        return message
      },
    }
  }
})
