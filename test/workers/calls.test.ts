import { expect, test } from 'vitest'
import { Calls, type Message } from '../../src/workers/calls.ts'
import { line } from './line.ts'

const nothing = {}

test('a call is answered, at once or later', async () => {
  const received: string[] = []
  const { left } = line(nothing, {
    double: (n: number) => 2 * n,
    later: async (text: string) => `${text}!`,
    note: (text: string) => void received.push(text),
  })
  left.notify('note', 'first')
  expect(await left.call('double', 21)).toBe(42)
  expect(await left.call('later', 'yes')).toBe('yes!')
  expect(received).toEqual(['first'])
})

test('a call that fails in the other process rejects here', async () => {
  const { left } = line(nothing, {
    throws: () => {
      throw new Error('not now')
    },
    rejects: async () => {
      throw new Error('not later')
    },
  })
  await expect(left.call('throws', undefined)).rejects.toThrow('not now')
  await expect(left.call('rejects', undefined)).rejects.toThrow('not later')
})

test('calls to a process that has ended reject, both pending and later ones', async () => {
  const { left } = line(nothing, { never: () => new Promise<void>(() => {}) })
  const waiting = left.call('never', undefined)
  left.hangUp()
  await expect(waiting).rejects.toThrow('gone')
  await expect(left.call('never', undefined)).rejects.toThrow('gone')
})

test('a synchronous answer is sent before anything sent afterwards', () => {
  const sent: Message[] = []
  const calls = new Calls<{ note(text: string): void }, { ask(_: undefined): string }>(
    (message) => sent.push(message),
    { ask: () => 'answer' },
  )
  calls.receive({ name: 'ask', argument: undefined, id: 1 })
  calls.notify('note', 'afterwards')
  expect(sent).toMatchObject([{ answers: 1, value: 'answer' }, { name: 'note' }])
})
