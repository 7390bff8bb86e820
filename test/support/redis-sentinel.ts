import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch, onFreePort, type RedisServer, serverOf, startRedis } from './redis.ts'
import { until } from './waiting.ts'

export interface RedisSentinels extends AsyncDisposable {
  /** URL for clients: `redis+sentinel://.../main`. */
  readonly url: string
  readonly sentinels: readonly RedisServer[]
  /** The initial master and its replica. */
  readonly servers: readonly [RedisServer, RedisServer]
  /** Port of the server that most Sentinels consider the master. */
  masterPort(): Promise<number>
  stop(): Promise<void>
}

/** A Sentinel that was stalled for two seconds, as when the machine stalls, does nothing for the next 30 s (TILT). */
export const SENTINELS_REST_MS = 200_000
const DOWN_AFTER_MS = 1_000
const FAILOVER_TIMEOUT_MS = 5_000

/** A master, its replica, and three Sentinels that monitor them. */
export async function startRedisSentinels(): Promise<RedisSentinels> {
  const master = await startRedis()
  const replica = await startRedis({
    flags: ['--replicaof', '127.0.0.1', String(master.port), '--repl-diskless-sync-delay', '0'],
  })
  await until(
    async () => (await replica.cli('info', 'replication')).includes('master_link_status:up'),
    'the replica follows',
  )
  const sentinels = [
    await startSentinel(master.port),
    await startSentinel(master.port),
    await startSentinel(master.port),
  ]
  for (const sentinel of sentinels) {
    await until(async () => {
      const known = await sentinel.cli('sentinel', 'master', 'main')
      return /num-other-sentinels\n2/.test(known) && /num-slaves\n1/.test(known)
    }, 'the Sentinels know each other and the replica')
  }
  const stop = async () => void (await Promise.all([...sentinels, master, replica].map((server) => server.stop())))
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/main`,
    sentinels,
    servers: [master, replica],
    async masterPort() {
      const addresses = await Promise.all(
        sentinels.map((one) => one.cli('sentinel', 'get-master-addr-by-name', 'main')),
      )
      const ports = addresses.map((address) => Number(address.split('\n')[1])).sort((a, b) => a - b)
      return ports[1] ?? 0 // the majority's value: the median of three
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function startSentinel(masterPort: number): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'herdgate-sentinel-'))
  const file = join(folder, 'sentinel.conf') // the Sentinel rewrites it with what it learns
  const settings = [
    `sentinel monitor main 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds main ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout main ${FAILOVER_TIMEOUT_MS}`,
  ]
  const startAt = (port: number) => {
    writeFileSync(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, ...settings, ''].join('\n'))
    return launch('redis-server', [file, '--sentinel'])
  }
  const { port, child } = await onFreePort(startAt)
  return serverOf({ port, folder, child, start: () => startAt(port) })
}
