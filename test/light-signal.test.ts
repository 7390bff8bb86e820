import { expect, test } from 'vitest'
import { LightSignal } from '../src/light-signal.ts'

test('calls its listeners once, and only those that are left', () => {
  const signal = new LightSignal()
  const calls: string[] = []
  const removed = () => void calls.push('removed')
  signal.addEventListener('abort', () => void calls.push('first'))
  signal.addEventListener('abort', removed)
  signal.addEventListener('abort', () => void calls.push('last'))
  signal.removeEventListener('abort', removed)
  const never = () => {}
  signal.removeEventListener('abort', never)
  expect(signal.aborted).toBe(false)
  signal.abort()
  signal.abort()
  expect(signal.aborted).toBe(true)
  expect(calls).toEqual(['first', 'last'])
})

test.each([
  ['another', () => new LightSignal()],
  ["one of Node's", nodeSignal],
])('is aborted with %s', (_, make) => {
  const outer = make()
  const signal = new LightSignal(outer)
  let calls = 0
  signal.addEventListener('abort', () => calls++)
  expect(signal.aborted).toBe(false)
  outer.abort()
  signal.abort()
  expect(signal.aborted).toBe(true)
  expect(calls).toBe(1)
  expect(new LightSignal(outer).aborted).toBe(true)
})

test('leaves the other one as it is', () => {
  const outer = new LightSignal()
  const signal = new LightSignal(outer)
  signal.addEventListener('abort', () => {})
  signal.abort()
  expect(outer.aborted).toBe(false)
})

test('listens to a signal that may outlive it only while it has listeners itself', () => {
  const listeners = new Set<() => void>()
  const outer = {
    aborted: false,
    addEventListener: (_: 'abort', listener: () => void) => void listeners.add(listener),
    removeEventListener: (_: 'abort', listener: () => void) => void listeners.delete(listener),
  }
  const [one, other] = [() => {}, () => {}]
  const signal = new LightSignal(outer)
  expect(listeners.size).toBe(0)
  signal.addEventListener('abort', one)
  signal.addEventListener('abort', other)
  expect(listeners.size).toBe(1)
  signal.removeEventListener('abort', one)
  expect(listeners.size).toBe(1)
  signal.removeEventListener('abort', other)
  expect(listeners.size).toBe(0)
  signal.addEventListener('abort', one)
  signal.abort()
  expect(listeners.size).toBe(0)
})

function nodeSignal() {
  const controller = new AbortController()
  return Object.assign(controller.signal, { abort: () => controller.abort() })
}
