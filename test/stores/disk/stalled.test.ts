import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import type { Kept, Store } from '../../../src/model.ts'
import { openDiskFile } from '../../../src/stores/disk/file.ts'
import { diskStore } from '../../../src/stores/disk/store.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { until } from '../../support/waiting.ts'
import { response } from '../store-contract.ts'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const PROCESS = join(import.meta.dirname, '../../support/disk-process.ts')
const MIB = 2 ** 20

const bodyOf = (kept: Kept): string | undefined =>
  typeof kept === 'object' && kept.kind === 'response' ? kept.body.bytes?.toString() : undefined

const bodiesIn = (store: Store, ...keys: string[]) => keys.map((key) => bodyOf(store.get(key) as Kept))

const put = (store: Store, key: string, text: string) => Promise.resolve(store.set(key, response(text), 60_000))

/** Nothing is written into the file of this folder until `resume`. */
async function stall(folder: string): Promise<{ resume: () => void }> {
  const holder: ChildProcess = spawn(process.execPath, [PROCESS, folder, 'hold'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder.stdout ?? holder, 'data')
  return { resume: () => void holder.kill('SIGKILL') }
}

/** Writes until nothing more may wait. @returns how many entries wait */
async function fillQueue(store: Store): Promise<number> {
  for (let count = 0; ; count++) {
    const written = put(store, `filling${count}`, 'x'.repeat(10_000))
    const others = new Promise((resolve) => setImmediate(resolve))
    if ((await Promise.race([written, others])) === 'lost') return count
  }
}

/** A store with these entries; what was lost is gone from the file once `objects` are left there. */
async function filled(...keys: string[]) {
  const path = temporaryFolder()
  const store = diskStore({ path, maxWaitingBytes: MIB })
  for (const key of keys) await put(store, key, `old ${key}`)
  return {
    path,
    store,
    left: (objects: number) => until(() => store.usage()[0]?.objects === objects, `${objects} left`),
  }
}

/** Exchanges the latest two entries. */
async function swapEntries(path: string): Promise<void> {
  const file = openDiskFile(path)
  const { entries } = file.tables
  const latest = [...entries.getRange()]
    .slice(-2)
    .map(({ key, value }) => [Buffer.from(key), Buffer.from(value)] as const)
  await file.write(() => {
    for (const [at, [key]] of latest.entries()) entries.putSync(key, latest[1 - at]?.[1] ?? Buffer.alloc(0))
  })
  await file.close()
}

async function heapGrowth(run: () => Promise<unknown>): Promise<number> {
  gc()
  const before = process.memoryUsage().heapUsed
  await run()
  gc()
  return process.memoryUsage().heapUsed - before
}

test('while the disk stalls, what waits for it is bounded, however much is written, removed and found defective', async () => {
  const { path, store } = await filled('kept', 'a', 'b')
  await swapEntries(path) // none can be read under its key
  const { resume } = await stall(path)
  const grown = await heapGrowth(async () => {
    for (let n = 0; n < 10_000; n++) {
      void put(store, `new${n}`, 'x')
      void store.delete(`removed${n}`)
      void store.get('a')
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  })
  expect(grown).toBeLessThan(8 * MIB)
  expect(bodiesIn(store, 'kept')).toEqual(['old kept'])
  resume()
  await until(async () => (await put(store, 'last', 'last')) !== 'lost', 'the disk is written again')
  expect(bodiesIn(store, 'kept', 'last', 'new9999')).toEqual(['old kept', 'last', undefined])
  await store.close()
})

test('what a stalled disk could not replace is not served, and is removed from the file when it is written again', async () => {
  const { path, store, left } = await filled('set', 'many', 'deleted', 'kept')
  const { resume } = await stall(path)
  const waiting = await fillQueue(store)
  expect(await put(store, 'set', 'new')).toBe('lost')
  await store.setMany([{ key: 'many', stored: response('new'), keepForMs: 60_000 }])
  await store.delete('deleted')
  expect(bodiesIn(store, 'set', 'many', 'deleted', 'kept')).toEqual([undefined, undefined, undefined, 'old kept'])
  resume()
  await left(waiting + 1)
  expect(bodiesIn(store, 'set', 'many', 'deleted', 'kept')).toEqual([undefined, undefined, undefined, 'old kept'])
  expect(await put(store, 'set', 'newest')).toBeUndefined()
  expect(bodiesIn(store, 'set')).toEqual(['newest'])
  await store.close()
})

test('all that a stalled disk could not remove is removed when it is written again, a part at a time', async () => {
  const { path, store, left } = await filled('kept')
  const keys = Array.from({ length: 2_500 }, (_, n) => `k${n}`)
  await store.setMany(keys.map((key) => ({ key, stored: response('old'), keepForMs: 60_000 })))
  const { resume } = await stall(path)
  const waiting = await fillQueue(store)
  await store.deleteMany(keys)
  expect(bodiesIn(store, 'k0', 'k2499', 'kept')).toEqual([undefined, undefined, 'old kept'])
  resume()
  await left(waiting + 1)
  expect(bodiesIn(store, 'k0', 'k2499', 'kept')).toEqual([undefined, undefined, 'old kept'])
  await store.close()
})

test('a store that is cleared while the disk stalls is empty at once, and its file when it is written again', async () => {
  const { path, store, left } = await filled('k')
  const { resume } = await stall(path)
  await fillQueue(store)
  await store.clear()
  expect(bodiesIn(store, 'k', 'filling0')).toEqual([undefined, undefined])
  resume()
  await left(0)
  expect(await put(store, 'k', 'new')).toBeUndefined()
  expect(bodiesIn(store, 'k')).toEqual(['new'])
  await store.close()
})

test('an entry that waits for a stalled disk is not served once a newer one of the same key was lost', async () => {
  const { path, store, left } = await filled('kept')
  const { resume } = await stall(path)
  const older = put(store, 'k', 'older')
  const waiting = await fillQueue(store)
  expect(await put(store, 'k', 'newer')).toBe('lost')
  resume()
  expect(await older).toBeUndefined()
  expect(bodiesIn(store, 'k')).toEqual([undefined])
  await left(waiting + 1)
  expect(bodiesIn(store, 'k', 'kept')).toEqual([undefined, 'old kept'])
  await store.close()
})

test('a store that is closed while the disk stalls leaves nothing in the file that it could not replace', async () => {
  const { path, store } = await filled('k', 'kept')
  const { resume } = await stall(path)
  await fillQueue(store)
  expect(await put(store, 'k', 'new')).toBe('lost')
  const closed = store.close()
  resume()
  await closed
  const after = diskStore({ path })
  expect(bodiesIn(after, 'k', 'kept')).toEqual([undefined, 'old kept'])
  await after.close()
})
