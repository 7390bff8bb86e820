/** What the servers say they hold, asked at intervals. */
import type { Redis } from 'ioredis'
import type { Clock } from '../../model.ts'
import { isReady, mastersOf, type RedisClient } from './connection.ts'

export interface RedisUsage {
  readonly objects: number
  readonly bytes: number
  /** 0 when a server has no limit. */
  readonly maxBytes: number
}

export interface UsageSampler {
  /** As last reported; all 0 before that, and where the user may not ask. */
  readonly latest: RedisUsage
  stop(): void
}

const NOTHING: RedisUsage = { objects: 0, bytes: 0, maxBytes: 0 }
const INTERVAL_MS = 15_000

/** Asks when there is a connection, and every 15 s from then on. */
export function sampleUsage(client: RedisClient, clock: Clock): UsageSampler {
  let latest = NOTHING
  let isAsking = false
  let cancel = (): void => {}

  const sample = async (): Promise<void> => {
    cancel()
    cancel = clock.after(INTERVAL_MS, () => void sample())
    if (isAsking || !isReady(client)) return
    isAsking = true
    try {
      latest = sumOf(await Promise.all(mastersOf(client).map(usageOf)))
    } catch {
      // as last reported
    }
    isAsking = false
  }

  const sampleNow = (): void => void sample()
  client.on('ready', sampleNow)
  sampleNow()
  return {
    get latest() {
      return latest
    },
    stop() {
      cancel()
      client.off('ready', sampleNow)
    },
  }
}

async function usageOf(server: Redis): Promise<RedisUsage> {
  const [objects, memory] = await Promise.all([server.dbsize(), server.info('memory')])
  return { objects, bytes: numberIn(memory, 'used_memory'), maxBytes: numberIn(memory, 'maxmemory') }
}

const numberIn = (info: string, name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)

function sumOf(servers: readonly RedisUsage[]): RedisUsage {
  const sum = (of: keyof RedisUsage) => servers.reduce((total, server) => total + server[of], 0)
  const limited = servers.every(({ maxBytes }) => maxBytes > 0)
  return { objects: sum('objects'), bytes: sum('bytes'), maxBytes: limited ? sum('maxBytes') : 0 }
}
