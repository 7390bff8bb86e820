import { describe, expect, test } from 'vitest'
import { shown } from '../src/given.ts'
import { createCache } from '../src/library/embed.ts'
import { createPeers } from '../src/ports/peers.ts'
import { diskLog } from '../src/stores/disk/log.ts'
import { diskStore } from '../src/stores/disk/store.ts'
import { memoryStore } from '../src/stores/memory/store.ts'
import { duration, share, size } from '../src/units.ts'

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function throwing(): never {
  throw new TypeError('do not look')
}

const HOSTILE = new Proxy({}, { get: throwing, getPrototypeOf: throwing, has: throwing, ownKeys: throwing })
const CIRCLE: unknown[] = []
CIRCLE.push(CIRCLE)

/** Keyed by name, as test titles could not show these values. */
const ODD: Readonly<Record<string, readonly [unknown, string]>> = {
  undefined: [undefined, 'undefined'],
  null: [null, 'null'],
  NaN: [Number.NaN, 'NaN'],
  'a big integer': [1n, '1'],
  'a symbol': [Symbol('s'), 'Symbol(s)'],
  'a function': [() => 1, 'a function'],
  'a list': [[1n], 'a list'],
  'a list in itself': [CIRCLE, 'a list'],
  'an object that cannot be written': [{ toJSON: throwing, toString: throwing }, 'an object'],
  'an object without prototype': [Object.create(null), 'an object'],
  'an object that throws when inspected': [HOSTILE, 'an object'],
  'a revoked proxy': [revoked(), 'an object'],
}

describe('how an unexpected value is shown', () => {
  test.each(Object.keys(ODD))('%s', (name) => {
    const [given, text] = ODD[name] ?? []
    expect(shown(given)).toBe(text)
  })

  test.each<[string, unknown]>([
    ['a long text', 'x'.repeat(10_000)],
    ['a long text that is written with escapes', '\0'.repeat(10_000)],
    ['a large number', 10n ** 1_000n],
    ['a symbol', Symbol('x'.repeat(10_000))],
  ])('is short: %s', (_, given) => expect(shown(given).length).toBeLessThan(90))
})

const TAKERS: readonly [string, string, (given: never) => unknown][] = [
  ['duration', 'a duration', duration],
  ['size', 'a size', size],
  ['share', 'a number above 0', share],
  ['memoryStore', 'a size', (maxBytes) => memoryStore({ maxBytes })],
  ['namespace', 'a name', (name) => createCache().namespace(name)],
  ['createPeers', 'an IP address', (address) => createPeers([address])],
  ['diskStore', 'the path of a folder', (path) => diskStore({ path })],
  ['diskLog', 'the path of a folder', (path) => diskLog({ path })],
]

describe.each(TAKERS)('%s expects %s', (_, expected, take) => {
  test.each(Object.keys(ODD))('and shows %s', (name) => {
    const [given, text] = ODD[name] ?? []
    const complaint = expect.stringMatching(new RegExp(`^expected ${expected}`))
    const ending = expect.stringMatching(new RegExp(`, got ${text?.replace(/[()]/g, '.')}$`))
    const error = thrownBy(() => take(given as never))
    expect([error, error]).toEqual([complaint, ending])
  })
})

function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error instanceof Error ? error.message : 'no error'
  }
  return 'nothing'
}

test.each(['', ' ', '\t\n', 'a\0b'])('%j is not a valid cache folder', (path) => {
  for (const open of [diskStore, diskLog]) expect(() => open({ path })).toThrow(RangeError)
})

test.each(Object.keys(ODD))('is not a list of tags: %s', async (name) => {
  const [given] = ODD[name] ?? []
  const tags = given as string[]
  await expect(createCache().purge({ tags: [given as string] })).rejects.toThrow('expected tags as a list of strings')
  if (given === undefined || given === null) return
  await expect(createCache().purge({ tags })).rejects.toThrow('expected tags as a list of strings')
})

test('an invalid result of sizeOf is shown, whatever it is', async () => {
  const cache = createCache({ sizeOf: () => HOSTILE as unknown as number })
  await expect(cache.set('k', 1)).rejects.toThrow('sizeOf: expected a number of bytes, got an object')
})
