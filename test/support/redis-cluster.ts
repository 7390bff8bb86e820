import { freePort, type RedisServer, redisCli, startRedis } from './redis.ts'
import { until } from './waiting.ts'

export interface RedisCluster extends AsyncDisposable {
  /** URL for clients: `redis+cluster://...`. */
  readonly url: string
  readonly masters: readonly RedisServer[]
  /** The master that has the key's slot at present. */
  ownerOf(key: string): Promise<RedisServer>
  /** Moves slots from one master to another with redis-cli, which takes a while. */
  reshard(from: RedisServer, to: RedisServer, slots: number): Promise<void>
  /** Starts a replica of a master; the caller stops it. */
  addReplica(master: RedisServer): Promise<RedisServer>
  flush(): Promise<void>
  stop(): Promise<void>
}

const SLOTS = 16_384
const FLAGS = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no']

/** Masters without replicas, each with an equal share of the slots. */
export async function startRedisCluster(size = 3): Promise<RedisCluster> {
  const masters: RedisServer[] = []
  try {
    for (let n = 0; n < size; n++) masters.push(await startServer())
    await join(masters)
  } catch (error) {
    await Promise.all(masters.map((master) => master.stop()))
    throw error
  }
  const stop = async () => void (await Promise.all(masters.map((master) => master.stop())))
  return {
    url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    masters,
    async ownerOf(key) {
      const slot = Number(await masters[0]!.cli('cluster', 'keyslot', key))
      for (const master of masters)
        if ((await slotsOf(master)).some(([first, last]) => slot >= first && slot <= last)) return master
      throw new Error(`nobody has slot ${slot}`)
    },
    async reshard(from, to, slots) {
      const [source, target] = [await from.cli('cluster', 'myid'), await to.cli('cluster', 'myid')]
      const what = ['--cluster-from', source, '--cluster-to', target, '--cluster-slots', String(slots), '--cluster-yes']
      await redisCli(from.port, '--cluster', 'reshard', `127.0.0.1:${from.port}`, ...what)
    },
    async addReplica(master) {
      const replica = await startServer()
      await meet(replica, master)
      const id = await master.cli('cluster', 'myid')
      await until(async () => (await replica.cli('cluster', 'nodes')).includes(id), 'it knows the master')
      await replica.cli('cluster', 'replicate', id)
      await until(
        async () => (await replica.cli('info', 'replication')).includes('link_status:up'),
        'the replica is connected',
      )
      for (const server of [master, replica]) {
        await until(
          async () => (await server.cli('cluster', 'slots')).includes(String(replica.port)),
          'all know the replica',
        )
        await until(
          async () => (await server.cli('cluster', 'info')).includes('cluster_state:ok'),
          'the cluster is healthy',
        )
      }
      return replica
    },
    async flush() {
      for (const master of masters) await master.cli('flushall')
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function startServer(): Promise<RedisServer> {
  return startRedis({ flags: [...FLAGS, '--cluster-port', String(await freePort())] })
}

async function join(masters: readonly RedisServer[]): Promise<void> {
  const [first, ...others] = masters
  for (const [at, master] of masters.entries()) {
    const range = [at, at + 1].map((part) => Math.floor((part * SLOTS) / masters.length))
    await master.cli('cluster', 'addslotsrange', String(range[0]), String((range[1] ?? 0) - 1))
    await master.cli('cluster', 'set-config-epoch', String(at + 1))
  }
  for (const other of others) await meet(first!, other)
  for (const master of masters) {
    await until(async () => {
      const info = await master.cli('cluster', 'info')
      return (
        info.includes('cluster_state:ok') &&
        info.includes(`cluster_known_nodes:${masters.length}`) &&
        info.includes(`cluster_slots_assigned:${SLOTS}`)
      )
    }, 'the cluster is complete')
  }
}

async function meet(server: RedisServer, other: RedisServer): Promise<void> {
  const busPort = await other.cli('config', 'get', 'cluster-port')
  await server.cli('cluster', 'meet', '127.0.0.1', String(other.port), busPort.split('\n').at(-1) ?? '')
}

/** First and last slot of each range of a server. */
async function slotsOf(server: RedisServer): Promise<[first: number, last: number][]> {
  const nodes = await server.cli('cluster', 'nodes')
  const own = nodes.split('\n').find((line) => line.includes('myself')) ?? ''
  const ranges = own
    .split(' ')
    .slice(8)
    .filter((range) => /^\d/.test(range))
  return ranges.map((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return [first ?? 0, last ?? 0]
  })
}
