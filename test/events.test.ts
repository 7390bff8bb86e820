import { expect, test, vi } from 'vitest'
import { Events } from '../src/events.ts'

const EVICTION = { tier: 'memory', reason: 'size' } as const

test('removing a listener twice removes no other', () => {
  const events = new Events()
  const [one, other] = [vi.fn(), vi.fn()]
  const off = events.on('eviction', one)
  events.on('eviction', other)
  off()
  off()
  events.emit('eviction', EVICTION)
  expect([one.mock.calls.length, other.mock.calls.length]).toEqual([0, 1])
})

test('a listener added twice is removed once at a time', () => {
  const events = new Events()
  const listener = vi.fn()
  const off = events.on('eviction', listener)
  events.on('eviction', listener)
  off()
  off()
  events.emit('eviction', EVICTION)
  expect(listener).toHaveBeenCalledTimes(1)
})

test.each(['emit', 'emitter'] as const)(
  'a listener that removes itself while called does not hide the event from the next: %s',
  (by) => {
    const events = new Events()
    const tell = by === 'emit' ? () => events.emit('eviction', EVICTION) : () => events.emitter('eviction')(EVICTION)
    const off = events.on('eviction', () => off())
    const next = vi.fn()
    events.on('eviction', next)
    tell()
    tell()
    expect(next).toHaveBeenCalledTimes(2)
  },
)

test('an emitter reaches listeners added later', () => {
  const events = new Events()
  const tell = events.emitter('eviction')
  const listener = vi.fn()
  events.on('eviction', listener)
  tell(EVICTION)
  expect(listener).toHaveBeenCalledExactlyOnceWith(EVICTION)
})

test.each(['emit', 'emitter'] as const)(
  'an exception in a listener is uncaught, and affects neither the emitter nor other listeners: %s',
  (by) => {
    const later = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => {})
    const events = new Events()
    const thrown = new Error('of a listener')
    const next = vi.fn()
    events.on('eviction', () => {
      throw thrown
    })
    events.on('eviction', next)
    const tell = by === 'emit' ? () => events.emit('eviction', EVICTION) : () => events.emitter('eviction')(EVICTION)
    expect(tell).not.toThrow()
    expect(next).toHaveBeenCalledTimes(1)
    expect(later.mock.calls[0]?.[0]).toThrow(thrown)
    later.mockRestore()
  },
)

test.each<[string, unknown, unknown, string]>([
  ['a misspelt name', 'evictions', () => {}, 'as name of an event, got "evictions"'],
  ['an inherited name', 'toString', () => {}, 'as name of an event, got "toString"'],
  ['no name', undefined, () => {}, 'as name of an event, got undefined'],
  ['no listener', 'eviction', undefined, 'expected a function as listener, got undefined'],
])('what would never be called is refused: %s', (_, name, listener, message) => {
  const on = () => new Events().on(name as 'eviction', listener as () => void)
  expect(on).toThrow(TypeError)
  expect(on).toThrow(message)
})
