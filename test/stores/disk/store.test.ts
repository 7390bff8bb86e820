import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { type EventPayloads, Events } from '../../../src/events.ts'
import { onContent } from '../../../src/heap/content-volume.ts'
import type { Kept } from '../../../src/model.ts'
import { diskStore } from '../../../src/stores/disk/store.ts'
import { type DiskFile, openDiskFile } from '../../../src/stores/disk/file.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import fc from '../../support/fast-check.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { response, storeContract } from '../store-contract.ts'

const PROCESS = join(import.meta.dirname, '../../support/disk-process.ts')

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

storeContract('diskStore', () => diskStore({ path: temporaryFolder() }))

const bodyOf = (kept: Kept): string | undefined =>
  typeof kept === 'object' && kept.kind === 'response' ? kept.body.bytes?.toString() : undefined

test('a look-up is synchronous', async () => {
  const store = diskStore({ path: temporaryFolder() })
  await store.set('k', response('x'), 60_000)
  expect(store.get('k')).not.toBeInstanceOf(Promise)
  expect(store.getMany(['k'])).not.toBeInstanceOf(Promise)
  await store.close()
})

test('while memory is short large entries are not read', async () => {
  const pressure = { high: false }
  const store = diskStore({ path: temporaryFolder(), pressure })
  await store.set('large', response('x'.repeat(100_000)), 60_000)
  await store.set('small', response('x'), 60_000)
  const found = () => ['large', 'small'].map((key) => bodyOf(store.get(key) as Kept)?.length)
  expect(found()).toEqual([100_000, 1])
  pressure.high = true
  expect(found()).toEqual([undefined, 1])
  expect(store.get('large')).toBe('unknown')
  pressure.high = false
  expect(found()).toEqual([100_000, 1])
  await store.close()
})

test('what is read from the disk counts as content', async () => {
  const store = diskStore({ path: temporaryFolder() })
  await store.set('k', response('x'.repeat(5 * 2 ** 20)), 60_000)
  const announced: number[] = []
  const end = onContent((soon) => void announced.push(soon))
  void store.get('k')
  end()
  expect(announced).toEqual([expect.toSatisfy((soon: number) => soon > 5 * 2 ** 20)])
  await store.close()
})

test('a batch larger than the write queue is stored completely', async () => {
  const store = diskStore({ path: temporaryFolder(), maxBytes: '1GiB' })
  const body = 'x'.repeat(2 ** 20)
  const keys = Array.from({ length: 70 }, (_, number) => `k${number}`)
  await store.setMany(keys.map((key) => ({ key, stored: response(body), keepForMs: 60_000 })))
  expect(keys.filter((key) => store.get(key) === undefined)).toEqual([])
  await store.close()
})

test('a write during a batch is newer than the rest of the batch', async () => {
  const store = diskStore({ path: temporaryFolder() })
  const batchOf = (text: string, first = 0) =>
    Array.from({ length: 3_000 }, (_, at) => ({ key: `k${first + at}`, stored: response(text), keepForMs: 60_000 }))
  const put = [store.setMany(batchOf('old')), store.set('k2999', response('new'), 60_000)]
  put.push(store.delete('k2998'), store.setMany(batchOf('newer', 2_900)))
  put.push(store.set('k5000', response('newest'), 60_000))
  await Promise.all(put)
  const keys = ['k0', 'k2899', 'k2998', 'k2999', 'k4999', 'k5000', 'k5899']
  expect(keys.map((key) => bodyOf(store.get(key) as Kept))).toEqual([
    'old',
    'old',
    'newer',
    'newer',
    'newer',
    'newest',
    'newer',
  ])
  const [again, cleared] = [store.setMany(batchOf('again')), store.clear()]
  await Promise.all([again, cleared])
  expect(store.usage()).toEqual([expect.objectContaining({ objects: 0 })])
  const [last, removed] = [store.setMany(batchOf('last')), store.delete('k2999')]
  await Promise.all([last, removed])
  expect(['k2998', 'k2999'].map((key) => bodyOf(store.get(key) as Kept))).toEqual(['last', undefined])
  await store.close()
})

test('a write during a large deletion is newer than the deletion', async () => {
  const store = diskStore({ path: temporaryFolder() })
  const keys = Array.from({ length: 3_000 }, (_, at) => `k${at}`)
  await store.setMany(keys.map((key) => ({ key, stored: response('old'), keepForMs: 60_000 })))
  await Promise.all([store.deleteMany(keys), store.set('k2999', response('new'), 60_000)])
  expect(['k0', 'k2998', 'k2999'].map((key) => bodyOf(store.get(key) as Kept))).toEqual([undefined, undefined, 'new'])
  await store.close()
})

test('other work gets its turn during large reads and deletions', async () => {
  const store = diskStore({ path: temporaryFolder() })
  const keys = Array.from({ length: 3_000 }, (_, at) => `k${at}`)
  await store.setMany(keys.map((key) => ({ key, stored: response(key), keepForMs: 60_000 })))
  let isOthersTurn = false
  const read = store.getMany(keys)
  setImmediate(() => (isOthersTurn = true))
  const found = await read
  expect([found.map(bodyOf), isOthersTurn]).toEqual([keys, true])
  const removed = store.deleteMany(keys)
  await store.set('another', response('x'), 60_000)
  expect(store.usage()[0]?.objects).toBeGreaterThan(1)
  await removed
  expect(store.usage()[0]?.objects).toBe(1)
  await store.close()
})

test('a batch in progress when the store closes is there after a restart', async () => {
  const path = temporaryFolder()
  const batchOf = (text: string) =>
    Array.from({ length: 3_000 }, (_, at) => ({ key: `k${at}`, stored: response(text), keepForMs: 60_000 }))
  const before = diskStore({ path })
  await before.setMany(batchOf('old'))
  const put = before.setMany(batchOf('new'))
  await before.close()
  await put
  const after = diskStore({ path })
  expect(['k0', 'k2999'].map((key) => bodyOf(after.get(key) as Kept))).toEqual(['new', 'new'])
  await after.close()
})

test('entries survive a restart', async () => {
  const path = temporaryFolder()
  const before = diskStore({ path })
  await before.set('k', response('body'), 60_000)
  await before.close()
  const after = diskStore({ path })
  expect(bodyOf(await after.get('k'))).toBe('body')
  expect(after.usage()).toEqual([expect.objectContaining({ tier: 'disk', objects: 1, degraded: false })])
  await after.close()
})

test("an entry stored by a process that started before its machine's clock was corrected has the same age for the next process", async () => {
  const path = temporaryFolder()
  const clock = new FakeClock()
  clock.correct(-3_600_000)
  const stored = response('x')
  const before = diskStore({ path, clock })
  await before.set('k', stored, 60_000)
  expect(await before.get('k')).toMatchObject({ bornAt: stored.bornAt, freshUntil: stored.freshUntil })
  await before.close()
  const after = diskStore({ path, clock: new FakeClock(clock.wall()) })
  const lifetime = { bornAt: stored.bornAt - 3_600_000, freshUntil: stored.freshUntil - 3_600_000 }
  expect(await after.get('k')).toMatchObject(lifetime)
  await after.close()
})

test("while the machine's clock is set back, a copy from before counts as absent: its age cannot be told", async () => {
  const clock = new FakeClock()
  const store = diskStore({ path: temporaryFolder(), clock })
  await store.set('k', { ...response('x'), askedAt: clock.now() }, 60_000)
  clock.correct(-3_000)
  expect(bodyOf(await store.get('k'))).toBe('x')
  clock.correct(-3_600_000)
  expect(await store.get('k')).toBeUndefined()
  clock.correct(3_600_000)
  expect(bodyOf(await store.get('k'))).toBe('x')
  await store.close()
})

test('a file reopened while it is being closed is in use, and not sealed', async () => {
  const path = temporaryFolder()
  const before = diskStore({ path })
  await before.set('k', response('x'), 60_000)
  const closed = before.close()
  const after = diskStore({ path })
  await closed
  expect([readdirSync(join(path, 'users')), existsSync(join(path, 'closed'))]).toEqual([[String(process.pid)], false])
  expect(bodyOf(await after.get('k'))).toBe('x')
  await after.close()
  expect([readdirSync(join(path, 'users')), existsSync(join(path, 'closed'))]).toEqual([[], true])
})

test('a store whose folder of users was removed closes without an error', async () => {
  const path = temporaryFolder()
  const store = diskStore({ path })
  await store.set('k', response('x'), 60_000)
  rmSync(join(path, 'users'), { recursive: true })
  await store.close()
  const after = diskStore({ path })
  expect(bodyOf(await after.get('k'))).toBe('x')
  await after.close()
})

test('a closed store holds nothing and accepts nothing', async () => {
  const store = diskStore({ path: temporaryFolder() })
  await store.close()
  await store.set('k', response('x'), 60_000)
  expect(await store.get('k')).toBe('unknown')
  await store.close()
})

test('a file that is larger than its limit, which was lowered, is emptied once, not at every start', async () => {
  const path = temporaryFolder()
  const larger = diskStore({ path, maxBytes: '8MiB' })
  for (let n = 0; n < 40; n++) await larger.set(`k${n}`, response('x'.repeat(100_000)), 60_000)
  await larger.close()
  const { size } = statSync(join(path, 'herdgate-1.mdb'))
  for (const [start, key] of ['a', 'b', 'c'].entries()) {
    const store = diskStore({ path, maxBytes: '2MiB' })
    await store.set(key, response(key), 60_000)
    expect(store.usage()).toMatchObject([{ objects: start + 1 }])
    await store.close()
  }
  expect(statSync(join(path, 'herdgate-1.mdb')).size).toBeLessThan(size * 1.1)
})

test('the file never grows past its limit, and its usage is reported', async () => {
  const path = temporaryFolder()
  const maxBytes = 4 * 2 ** 20
  const events = new Events()
  const reasons = new Set<string>()
  events.on('eviction', ({ reason }) => void reasons.add(reason))
  const store = diskStore({ path, maxBytes, events })
  const file = openDiskFile(path)
  for (let n = 0; n < 600; n++) {
    await store.set(`k${n}`, response('x'.repeat((n * 7919) % 60_000)), 60_000)
    expect(file.size).toBeLessThanOrEqual(maxBytes)
  }
  expect(store.usage()[0]).toMatchObject({ maxBytes })
  expect(store.usage()[0]?.bytes).toBeLessThanOrEqual(maxBytes)
  expect(store.usage()[0]?.bytes).toBeGreaterThan(maxBytes / 4)
  expect(reasons).toEqual(new Set(['size']))
  expect(bodyOf(await store.get('k599'))).toBeDefined()
  expect(await store.get('k0')).toBeUndefined()
  await file.close()
  await store.close()
})

test('the file never grows past its limit because another process was killed while it read', async () => {
  const path = temporaryFolder()
  const maxBytes = 4 * 2 ** 20
  const clock = new FakeClock()
  const store = diskStore({ path, maxBytes, clock })
  const file = openDiskFile(path)
  await store.set('first', response('x'), 60_000) // lmdb looks for ended readers at the first write, then in ten minutes
  expect(spawnSync(process.execPath, [PROCESS, path, 'die']).signal).toBe('SIGKILL')
  await clock.advance(10_000)
  for (let n = 0; n < 200; n++) await store.set(`k${n}`, response('x'.repeat(50_000)), 60_000)
  expect(file.size).toBeLessThanOrEqual(maxBytes)
  await file.close()
  await store.close()
})

test('entries that are read repeatedly stay while others are evicted', async () => {
  const store = diskStore({ path: temporaryFolder(), maxBytes: '2MiB' })
  for (let n = 0; n < 400; n++) {
    await store.set(`k${n}`, response('x'.repeat(20_000)), 60_000)
    await store.get('k0')
  }
  expect(await store.get('k0')).toBeDefined()
  expect(await store.get('k1')).toBeUndefined()
  await store.close()
})

test('an entry that is too large is refused, and the older copy is removed', async () => {
  const store = diskStore({ path: temporaryFolder(), maxObjectBytes: '10KiB' })
  await store.set('k', response('small'), 60_000)
  await store.set('k', response('x'.repeat(20_000)), 60_000)
  expect(await store.get('k')).toBeUndefined()
  await store.close()
})

test('it reports entries that it refused', async () => {
  const store = diskStore({ path: temporaryFolder(), maxObjectBytes: 1_000 })
  expect(await store.set('k', response('x'), 60_000)).toBeUndefined()
  expect(await store.set('k', response('x'.repeat(1_000)), 60_000)).toBe('lost')
  await store.close()
  expect(await store.set('k', response('x'), 60_000)).toBe('lost')
})

test('the queue for a slow disk is bounded', async () => {
  const store = diskStore({ path: temporaryFolder() })
  const large = response('x'.repeat(2 ** 20))
  gc()
  const before = process.memoryUsage().arrayBuffers
  const written = Array.from({ length: 256 }, (_, n) => store.set(`${n}`, large, 60_000)) // none is written yet
  gc()
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(80 * 2 ** 20)
  const lost = (await Promise.all(written)).filter((result) => result === 'lost')
  expect(lost.length).toBeGreaterThan(180)
  expect(lost.length).toBeLessThan(256)
  await store.close()
})

test('the queue may be smaller', async () => {
  const store = diskStore({ path: temporaryFolder(), maxWaitingBytes: '15KiB' })
  const set = (key: string) => store.set(key, response('x'.repeat(10_000)), 60_000)
  expect(await Promise.all(['a', 'b', 'c'].map(set))).toEqual([undefined, undefined, 'lost'])
  await store.close()
})

test('an entry larger than the queue is written if nothing else is waiting', async () => {
  const store = diskStore({ path: temporaryFolder() })
  const large = (letter: string) => response(letter.repeat(65 * 2 ** 20))
  expect(await store.set('one', large('x'), 60_000)).toBeUndefined()
  expect(bodyOf(await store.get('one'))?.length).toBe(65 * 2 ** 20)
  await Promise.all(['a', 'b', 'c'].map((key) => store.set(key, large(key), 60_000)))
  expect(['a', 'b', 'c'].map((key) => bodyOf(store.get(key) as Kept)?.[0])).toEqual(['a', undefined, undefined])
  await store.close()
})

test('evicted entries are counted once', async () => {
  const events = new Events()
  const seen: EventPayloads['eviction'][] = []
  events.on('eviction', (out) => void seen.push(out))
  const store = diskStore({ path: temporaryFolder(), events })
  for (const key of ['a', 'b', 'c']) await store.set(key, response('x'), 60_000)
  await store.clear()
  await store.clear()
  expect(seen).toEqual([{ tier: 'disk', reason: 'purged', count: 3 }])
  await store.close()
})

test('expired entries are removed in the background', async () => {
  const clock = new FakeClock()
  const events = new Events()
  const reasons: string[] = []
  events.on('eviction', ({ reason }) => void reasons.push(reason))
  const store = diskStore({ path: temporaryFolder(), clock, events })
  await store.set('short', response('x'), 5_000)
  await store.set('long', response('x'), 60_000)
  await clock.advance(10_000)
  await expect.poll(() => store.usage()[0]?.objects).toBe(1)
  await expect.poll(() => reasons).toEqual(['expired'])
  expect(await store.get('long')).toBeDefined()
  await store.close()
})

test('if the folder cannot be created, look-ups are unknown and writes lost, and creation is retried', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'file')
  writeFileSync(path, 'in the way')
  const clock = new FakeClock()
  const events = new Events()
  const states: string[] = []
  events.on('tier', ({ state }) => void states.push(state))
  const store = diskStore({ path: join(path, 'below'), clock, events })
  await store.set('k', response('x'), 60_000)
  expect(await store.get('k')).toBe('unknown')
  expect(store.usage()).toEqual([expect.objectContaining({ degraded: true, objects: 0 })])
  expect(states).toEqual(['degraded'])
  await clock.advance(10_000)
  await settle()
  expect(await store.get('k')).toBe('unknown')
  expect(states).toEqual(['degraded', 'degraded'])
  await store.close()
})

test('a removed folder is created again, empty', async () => {
  const path = join(temporaryFolder(), 'cache')
  const clock = new FakeClock()
  const events = new Events()
  const states: string[] = []
  events.on('tier', ({ state }) => void states.push(state))
  const store = diskStore({ path, clock, events })
  await store.set('k', response('old'), 60_000)
  rmSync(path, { recursive: true })
  await clock.advance(1_000)
  expect(await store.get('k')).toBeUndefined()
  rmSync(path, { recursive: true })
  await store.set('k', response('new'), 60_000)
  expect(bodyOf(await store.get('k'))).toBe('new')
  expect(states).toEqual(['emptied', 'emptied'])
  await store.close()
  expect(readdirSync(path).toSorted()).toEqual(expect.arrayContaining(['closed', 'herdgate-1.mdb']))
})

test('a store whose folder was removed closes like any other', async () => {
  const path = join(temporaryFolder(), 'cache')
  const store = diskStore({ path })
  await store.set('k', response('x'), 60_000)
  rmSync(path, { recursive: true })
  await store.close()
  expect(existsSync(path)).toBe(false)
})

/** Records the events of operations, in order. */
function recorded(clock?: FakeClock) {
  const events = new Events()
  const seen: string[] = []
  events.on(
    'store',
    ({ op, outcome, ms }) => void seen.push(`${op} ${outcome} ${clock === undefined ? typeof ms : ms}`),
  )
  return { events, seen }
}

test('every operation is reported with its outcome and duration', async () => {
  const clock = new FakeClock()
  const { events, seen } = recorded(clock)
  const store = diskStore({ path: temporaryFolder(), clock, events })
  const put = store.setMany(['a', 'b'].map((key) => ({ key, stored: response('x'), keepForMs: 60_000 })))
  clock.stall(3)
  await put
  await store.getMany(['a', 'c'])
  const deleted = store.deleteMany(['a', 'b'])
  clock.stall(4)
  await deleted
  await store.clear()
  expect(seen).toEqual(['set ok 3', 'set ok 3', 'get hit 0', 'get miss 0', 'delete ok 4', 'delete ok 4', 'delete ok 0'])
  await store.close()
})

test('an unusable file gives unknown results, and no writes are attempted', async () => {
  const { events, seen } = recorded()
  const store = diskStore({ path: temporaryFolder(), events })
  await store.close()
  await store.get('k')
  await store.set('k', response('x'), 60_000)
  expect(seen).toEqual(['get unknown number', 'set dropped number'])
})

// ------------------------------------------------------------------------------------------- hostile bytes

/** Writes into the file as another process could. */
async function tamper(path: string, with_: (file: DiskFile) => void): Promise<void> {
  const file = openDiskFile(path)
  await file.write(() => with_(file))
  await file.close()
}

const placesOf = ({ tables }: DiskFile): Buffer[] => [...tables.entries.getKeys()].map((key) => Buffer.from(key))

const HOSTILE: Record<string, (octets: Buffer) => Buffer> = {
  'random bytes': () => Buffer.from(crypto.getRandomValues(new Uint8Array(500))),
  'nothing at all': () => Buffer.alloc(0),
  'a truncated entry': (octets) => octets.subarray(0, octets.length >> 1),
  'an entry with something after it': (octets) => Buffer.concat([octets, Buffer.from('x')]),
  'an older version': (octets) => Buffer.concat([octets.subarray(0, 4), Buffer.from([0]), octets.subarray(5)]),
  'huge lengths': (octets) => Buffer.concat([octets.subarray(0, 6), Buffer.alloc(64, 0xff), octets.subarray(70)]),
  'JSON with __proto__': () => Buffer.from('{"__proto__":{"kind":"response"},"kind":"response"}'),
}

test.each(Object.entries(HOSTILE))('%s instead of an entry reads as a miss, and is removed', async (_, change) => {
  const path = temporaryFolder()
  const { events, seen } = recorded()
  const store = diskStore({ path, events })
  await store.set('k', response('body'), 60_000)
  await tamper(path, (file) => {
    for (const place of placesOf(file)) {
      file.tables.entries.putSync(place, change(Buffer.from(file.tables.entries.getBinary(place) ?? [])))
    }
  })
  await expect.poll(() => store.get('k')).toBeUndefined()
  expect(seen).toContain('get error number')
  await expect.poll(() => store.usage()).toEqual([expect.objectContaining({ objects: 0, bytes: 0, degraded: false })])
  await store.set('k', response('new'), 60_000)
  expect(bodyOf(await store.get('k'))).toBe('new')
  await store.close()
})

test('an entry of another key is not returned', async () => {
  const path = temporaryFolder()
  const store = diskStore({ path })
  await store.set('a', response('of a'), 60_000)
  await store.set('b', response('of b'), 60_000)
  await tamper(path, (file) => {
    const [one = Buffer.alloc(0), other = Buffer.alloc(0)] = placesOf(file)
    const [ofOne, ofOther] = [one, other].map((place) => Buffer.from(file.tables.entries.getBinary(place) ?? []))
    file.tables.entries.putSync(one, ofOther ?? Buffer.alloc(0))
    file.tables.entries.putSync(other, ofOne ?? Buffer.alloc(0))
  })
  await expect.poll(() => store.get('a')).toBeUndefined()
  await expect.poll(() => store.get('b')).toBeUndefined()
  await store.close()
})

test('with arbitrary bytes in the tables, every answer is correct or absent', async () => {
  const path = temporaryFolder()
  const table = fc.constantFrom('entries' as const, 'index' as const, 'order' as const, 'state' as const)
  const change = fc.record({ table, at: fc.nat(), octets: fc.uint8Array({ maxLength: 60 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 4 }), async (changes) => {
      const store = diskStore({ path, maxBytes: '1MiB' })
      for (const key of ['a', 'b', 'c']) await store.set(key, response(`of ${key}`), 60_000)
      await tamper(path, (file) => {
        for (const { table: name, at, octets } of changes) {
          const keys = [...file.tables[name].getKeys()].map((key) => Buffer.from(key))
          const key = keys[at % Math.max(1, keys.length)]
          if (key !== undefined) file.tables[name].putSync(key, octets)
        }
      })
      for (let n = 0; n < 20; n++) await store.set(`more${n}`, response('x'.repeat(60_000)), 60_000)
      for (const key of ['a', 'b', 'c']) expect([undefined, `of ${key}`]).toContain(bodyOf(await store.get(key)))
      await store.set('a', response('anew'), 60_000)
      expect(bodyOf(await store.get('a'))).toBe('anew')
      expect(store.usage()[0]?.degraded).toBe(false)
      await store.close()
    }),
    { numRuns: 30 },
  )
})
