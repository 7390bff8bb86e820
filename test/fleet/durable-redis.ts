/** A real Redis that keeps its data when it is killed, unless a fault erases it. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RedisServer, startRedis } from '../support/redis.ts'

export type RedisFault =
  | ('restart' | 'wipe' | 'rollback' | 'freeze' | 'flush' | 'cut')
  | ('hold' | 'fill' | 'demote' | 'forget' | 'trim')

export interface DurableRedis extends AsyncDisposable {
  readonly port: number
  /** Removes all data. */
  empty(): Promise<void>
  /** Injects a fault; resolves when it is over. Faults are injected one after another. */
  inject(fault: RedisFault, forMs: number): Promise<void>
}

/** The kernel has what an acknowledged command wrote, so killing the process does not lose it. */
const KEEP = ['--appendonly', 'yes', '--appendfsync', 'no', '--auto-aof-rewrite-percentage', '0']
const DATA = 'appendonlydir'

export async function startDurableRedis(): Promise<DurableRedis> {
  const server = await startRedis({ flags: KEEP })
  let last: Promise<void> = Promise.resolve()
  return {
    port: server.port,
    empty: async () => void (await server.cli('FLUSHALL')),
    inject(fault, forMs) {
      last = last.then(() => FAULTS[fault](server, forMs))
      return last
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

const TRIM_ALL =
  "for _, key in ipairs(redis.call('KEYS', '*:log:records')) do redis.call('XTRIM', key, 'MAXLEN', 1) end"

const FAULTS: Readonly<Record<RedisFault, (server: RedisServer, forMs: number) => Promise<void>>> = {
  async restart(server, forMs) {
    await server.kill()
    await sleep(forMs)
    await server.restart()
  },
  async wipe(server, forMs) {
    await server.kill()
    rmSync(join(server.folder, DATA), { recursive: true })
    await sleep(forMs)
    await server.restart()
  },
  async rollback(server, forMs) {
    const data = join(server.folder, DATA)
    const older = join(server.folder, 'older')
    cpSync(data, older, { recursive: true })
    await sleep(forMs)
    await server.kill()
    rmSync(data, { recursive: true })
    cpSync(older, data, { recursive: true })
    rmSync(older, { recursive: true })
    await server.restart()
  },
  async freeze(server, forMs) {
    server.pause()
    await sleep(forMs)
    server.resume()
  },
  async flush(server) {
    await server.cli('FLUSHALL')
  },
  async cut(server) {
    await server.cli('CLIENT', 'KILL', 'TYPE', 'normal')
  },
  async hold(server, forMs) {
    await server.cli('CLIENT', 'PAUSE', String(forMs), 'WRITE')
    await sleep(forMs)
  },
  async fill(server, forMs) {
    await server.cli('CONFIG', 'SET', 'maxmemory', '1')
    await sleep(forMs)
    await server.cli('CONFIG', 'SET', 'maxmemory', '0')
  },
  async demote(server, forMs) {
    await server.cli('REPLICAOF', '127.0.0.1', '1') // nothing listens there
    await sleep(forMs)
    await server.cli('REPLICAOF', 'NO', 'ONE')
  },
  async forget(server) {
    await server.cli('SCRIPT', 'FLUSH')
  },
  async trim(server) {
    await server.cli('EVAL', TRIM_ALL, '0')
  },
}
