import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { watchHandedConnections } from '../../../src/workers/primary/handed-connection.ts'

/** A process that has been handed a connection, as node:cluster does it. */
function handed(seq: number) {
  const child = Object.assign(new EventEmitter(), { send: () => true }) as unknown as ChildProcess
  let closed = 0
  watchHandedConnections(child, () => {})
  const hand = (number: number) => {
    const connection = { close: () => closed++ } as unknown as Parameters<ChildProcess['send']>[1]
    child.send({ cmd: 'NODE_CLUSTER', act: 'newconn', seq: number }, connection)
  }
  hand(seq)
  return { child, hand, closed: () => closed }
}

const answer = (ack: number, accepted: boolean) => ({ cmd: 'NODE_CLUSTER', ack, accepted })

test('a connection that a process has not answered for is closed when that ends', () => {
  const { child, closed } = handed(1)
  child.emit('exit')
  expect(closed()).toBe(1)
})

test('once it has ended its connection is answered for, as node:cluster would keep the process until then', () => {
  const { child } = handed(7)
  const answers: unknown[] = []
  child.on('internalMessage', (message: unknown) => answers.push(message))
  child.emit('exit')
  expect(answers).toEqual([answer(7, true)])
})

test('nothing is answered for a process that has ended as long as it is connected: it would be handed the next', () => {
  const { child, closed } = handed(7)
  const answers: unknown[] = []
  child.on('internalMessage', (message: unknown) => answers.push(message))
  Object.assign(child, { connected: true }).emit('exit')
  expect({ answers, closed: closed() }).toEqual({ answers: [], closed: 1 })
  Object.assign(child, { connected: false }).emit('disconnect')
  expect(answers).toEqual([answer(7, true)])
})

test('a connection handed to a process that has ended, but is still connected, is closed', () => {
  const { child, hand, closed } = handed(1)
  child.emit('internalMessage', answer(1, true))
  Object.assign(child, { connected: true }).emit('exit')
  hand(2)
  expect(closed()).toBe(1)
})

test('a connection that a process has refused is not closed when that ends: another process has it by then', () => {
  const { child, closed } = handed(1)
  child.emit('internalMessage', answer(1, false))
  child.emit('exit')
  expect(closed()).toBe(0)
})

test('an answer for an earlier connection says nothing about the last', () => {
  const { child, hand, closed } = handed(1)
  hand(2)
  child.emit('internalMessage', answer(1, true))
  child.emit('exit')
  expect(closed()).toBe(1)
})

test('for a process that got the message without the connection it is answered that it was taken', () => {
  const { child } = handed(7)
  const answers: unknown[] = []
  child.on('internalMessage', (message: unknown) => answers.push(message))
  child.emit('internalMessage', { cmd: 'NODE_HANDLE_NACK' })
  expect(answers).toContainEqual(answer(7, true))
})
