/**
 * The cost of the disk tier, in microseconds: writing and reading bodies in LMDB compared with files, and a hit in the
 * disk store compared with one in the memory store. Imports the package by its name, so it must have been built.
 * Prints JSON.
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { open } from 'lmdb'

interface Cost {
  readonly name: string
  readonly bytes: number
  /** Elapsed time, and CPU time of all threads, in microseconds per operation; one number per round. */
  readonly elapsed: number[]
  readonly cpu: number[]
}

/** The part of the library measured here; its types do not exist before the build. */
interface Library {
  readonly Body: { of(bytes: Buffer): unknown }
  readonly memoryStore: (options: { maxBytes: string }) => Store
  readonly diskStore: (options: { path: string }) => Store
  readonly diskLog: (options: { path: string }) => Log
}
interface Store {
  set(key: string, stored: unknown, keepForMs: number): unknown
  get(key: string): unknown
  close(): unknown
}
interface Log {
  readonly generation: string
  readonly position: number
  verdict(stamp: unknown): string
  close(): unknown
}

const PACKAGE: string = 'herdgate'
const SIZES = [1_024, 65_536, 1_048_576]
const HOUR = 3_600_000

async function measure(rounds: number, folder: string): Promise<Cost[]> {
  const { Body, memoryStore, diskStore, diskLog }: Library = await import(PACKAGE)
  const [memory, disk, log] = [
    memoryStore({ maxBytes: '1GiB' }),
    diskStore({ path: folder }),
    diskLog({ path: folder }),
  ]
  const env = open<Buffer, Buffer>({
    path: join(folder, 'bodies.mdb'),
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
  })
  const costs: Cost[] = []
  for (const bytes of SIZES) {
    const keys = Array.from({ length: Math.min(500, Math.ceil(2 ** 26 / bytes)) }, (_, n) => `key-${bytes}-${n}`)
    const content = Buffer.alloc(bytes, 'herdgate ')
    for (const key of keys) {
      const stored = response(Body.of(content), log)
      await memory.set(key, stored, HOUR)
      await disk.set(key, stored, HOUR)
    }
    const steps: Record<string, (key: string) => unknown> = {
      'write: file, moved into place': (key) => {
        writeFileSync(join(folder, `${key}.new`), content)
        renameSync(join(folder, `${key}.new`), join(folder, key))
      },
      'write: LMDB, durable': (key) => env.put(Buffer.from(key), content),
      'read: file': (key) => readFileSync(join(folder, key)),
      'read: LMDB': (key) => env.getBinary(Buffer.from(key)),
      'memory store: hit': (key) => memory.get(key),
      'disk store: hit': (key) => disk.get(key),
      'disk log: verdict': () => log.verdict(response(undefined, log)),
    }
    const of = Object.entries(steps).map(([name, step]) => ({
      step,
      cost: { name, bytes, elapsed: [], cpu: [] } as Cost,
    }))
    for (const { step } of of) await run(keys, step) // warms up, and writes what is read
    for (let round = 0; round < rounds; round += 1) {
      for (const { step, cost } of of) {
        const { elapsed, cpu } = await run(keys, step)
        cost.elapsed.push(elapsed)
        cost.cpu.push(cpu)
      }
    }
    costs.push(...of.map(({ cost }) => cost))
  }
  await Promise.all([memory.close(), disk.close(), log.close(), env.close()])
  return costs
}

/** Runs the step for every key once; asynchronous ones run concurrently. @returns microseconds per key */
async function run(keys: readonly string[], step: (key: string) => unknown): Promise<{ elapsed: number; cpu: number }> {
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  const results: unknown[] = []
  for (const key of keys) {
    const result = step(key)
    if (result instanceof Promise) results.push(result)
  }
  await Promise.all(results)
  const elapsed = ((performance.now() - began) * 1_000) / keys.length
  const { user, system } = process.cpuUsage(cpuBefore)
  return { elapsed, cpu: (user + system) / keys.length }
}

function response(body: unknown, { generation, position }: Log): unknown {
  const [stamp, never] = [{ generation, position, checked: position - 1, startedAt: 0 }, Date.now() + HOUR]
  const lifetime = { bornAt: 0, freshUntil: never, refreshAt: never, keepUntil: never, mustRevalidate: false }
  const stale = { staleWhileRevalidateUntil: never, staleIfErrorUntil: never }
  const fields = ['Content-Type', 'application/json', 'ETag', '"1"']
  const about = { kind: 'response', status: 200, url: 'a.test/', tags: ['tag'], varyOn: [], vary: [] }
  return { ...about, ...stamp, ...lifetime, ...stale, fields, body }
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
const folder = mkdtempSync(join(tmpdir(), 'herdgate-bench-'))
try {
  console.log(JSON.stringify(await measure(Number(values.rounds), folder)))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
