import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { heldBytes } from '../../src/body.ts'
import { Outbox, type Owed } from '../../src/lane/outbox.ts'
import type { HttpSocket } from '../../src/ports/connections.ts'

/** One in this many answers waits if waiting was not worthwhile lately. */
const PROBE_INTERVAL = 64

/** An outbox whose turns the test ends; it records what was written, in order, and how many turns are pending. */
function outbox() {
  const written: string[] = []
  const ends: (() => void)[] = []
  const box = new Outbox((run) => ends.push(run))
  const connection = (name: string, writable = true): Owed => {
    const socket = {
      writable,
      cork: () => written.push(`${name}[`),
      uncork: () => written.push(`]`),
      write: (octets: Buffer) => written.push(`${name}${octets.toString()}`),
    }
    return { socket: socket as unknown as HttpSocket, isOwed: false }
  }
  const send = (to: Owed, text: string) => box.send(to, Buffer.from(text), undefined)
  const endTurn = () => {
    for (const end of ends.splice(0)) end()
  }
  const taken = () => written.splice(0).join('')
  return { box, connection, send, endTurn, taken, turns: () => ends.length }
}

/** An outbox that has found waiting worthwhile. */
function busy() {
  const all = outbox()
  const other = all.connection('o')
  for (let n = 1; n < PROBE_INTERVAL + 8; n++) all.send(other, '')
  all.endTurn()
  all.taken()
  return all
}

test('with few requests ready at once, answers are sent immediately, except one in 64', () => {
  const { connection, send, endTurn, taken, turns } = outbox()
  const one = connection('a')
  for (let times = 0; times < 3; times++) {
    for (let n = 1; n < PROBE_INTERVAL; n++) {
      send(one, 'x')
      expect(taken()).toBe('ax')
    }
    expect(turns()).toBe(0)
    send(one, 'x')
    expect(taken()).toBe('')
    expect(one.isOwed).toBe(true)
    endTurn()
    expect(taken()).toBe('ax')
    expect(one.isOwed).toBe(false)
  }
})

test('answers that join a waiting one are sent with it; from eight in a turn on all wait', () => {
  const { connection, send, endTurn, taken, turns } = outbox()
  const [a, b] = [connection('a'), connection('b')]
  for (let n = 1; n < PROBE_INTERVAL; n++) send(a, '')
  taken()
  for (let n = 0; n < 4; n++) {
    send(a, `${n}`)
    send(b, `${n}`)
  }
  expect(turns()).toBe(1)
  expect(taken()).toBe('')
  endTurn()
  expect(taken()).toBe('a0b0a1b1a2b2a3b3')
  send(a, '4')
  expect(taken()).toBe('')
  expect(turns()).toBe(1)
  endTurn()
  expect(taken()).toBe('a4')
  send(a, '5') // waiting was not worthwhile, with one answer in the turn
  expect(taken()).toBe('a5')
})

test('seven in a turn are too few to wait', () => {
  const { connection, send, endTurn, taken } = outbox()
  const one = connection('a')
  for (let n = 1; n < PROBE_INTERVAL + 7; n++) send(one, 'x')
  endTurn()
  taken()
  send(one, 'y')
  expect(taken()).toBe('ay')
})

test('writes triggered by a write keep the order of the others, and a failed one leaves them for the next', () => {
  const { box, connection, send, endTurn, taken } = busy()
  const failing = connection('f')
  Reflect.set(failing.socket, 'write', () => {
    throw new Error('broken')
  })
  const nested = connection('n')
  const write = nested.socket.write.bind(nested.socket)
  Reflect.set(nested.socket, 'write', (octets: Buffer) => {
    write(octets)
    box.flush()
  })
  send(failing, 'x')
  send(nested, 'x')
  for (const name of ['a', 'b']) send(connection(name), 'x')
  expect(endTurn).toThrow('broken')
  expect(failing.isOwed).toBe(false)
  box.flush()
  expect(taken()).toBe('nxaxbx')
})

test('at most 32 wait, all of them for a single turn', () => {
  const { connection, send, endTurn, taken, turns } = busy()
  const one = connection('')
  for (let n = 0; n < 31; n++) send(one, 'x')
  expect(taken()).toBe('')
  send(one, 'x')
  expect(taken()).toBe('x'.repeat(32))
  send(one, 'y')
  expect(taken()).toBe('')
  expect(turns()).toBe(1)
  endTurn()
  expect(taken()).toBe('y')
})

test('waiting answers can be flushed early, once', () => {
  const { box, connection, send, endTurn, taken } = busy()
  const one = connection('a')
  send(one, 'x')
  box.flush()
  expect(taken()).toBe('ax')
  expect(one.isOwed).toBe(false)
  send(one, 'y') // it waits in the same turn as the first
  expect(taken()).toBe('')
  endTurn()
  expect(taken()).toBe('ay')
  box.flush()
  expect(taken()).toBe('')
})

test('content after a head is sent with it', () => {
  const { box, connection, endTurn, taken } = busy()
  box.send(connection('a'), Buffer.from('head'), Buffer.from('content'))
  endTurn()
  expect(taken()).toBe('a[aheadacontent]')
})

test('a connection closed meanwhile is skipped, the others are written', () => {
  const { connection, send, endTurn, taken } = busy()
  const gone = connection('g', false)
  send(gone, 'x')
  send(connection('a'), 'x')
  endTurn()
  expect(taken()).toBe('ax')
  expect(gone.isOwed).toBe(false)
})

test.each(['drain', 'close'])('large content that the system does not take at once is held until "%s"', (event) => {
  const box = new Outbox(() => {})
  const socket = Object.assign(new EventEmitter(), { cork() {}, uncork() {}, write() {}, writableLength: 0 })
  const connection: Owed = { socket: socket as unknown as HttpSocket, isOwed: false }
  const send = (content: Buffer, left: number) => {
    socket.writableLength = left
    box.send(connection, Buffer.from('head'), content)
  }
  const content = Buffer.alloc(100_000)
  send(content, 0)
  send(Buffer.alloc(50_000), 50_000)
  expect(heldBytes()).toBe(0)
  send(content, 50_000)
  expect(heldBytes()).toBe(content.length)
  socket.emit(event)
  expect(heldBytes()).toBe(0)
  expect(socket.eventNames()).toEqual([])
})
