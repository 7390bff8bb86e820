/** How a fleet is, as its nodes and its clients say: what to read when it is not as it should be. */
import type { Fleet, FleetNode } from '../support/fleet.ts'
import type { RedisServer } from '../support/redis.ts'
import type { Get } from './history.ts'
import { latency } from './load.ts'

/** A line for Redis, and one for each node: what it says of itself, and how it answered these requests. */
export function conditionOf({ nodes }: Fleet, redis: RedisServer, gets: readonly Get[]): Promise<string[]> {
  return Promise.all([
    saidByRedis(redis),
    ...nodes.map(async (node, at) => {
      const ofNode = gets.filter((get) => get.node === String(at))
      return `node ${at}: ${await saidBy(node)}; ${answersOf(ofNode)}`
    }),
  ])
}

/** It may have been ended by others, or be held up. */
async function saidByRedis({ process: { exitCode, signalCode }, cli }: RedisServer): Promise<string> {
  if (exitCode !== null || signalCode !== null) return `Redis: ended with ${exitCode ?? signalCode}`
  try {
    const said = await cli('INFO')
    return `Redis: ${said.match(/^(?:uptime_in_seconds|connected_clients|total_connections_received):\d+/gm)?.join(', ')}`
  } catch (error) {
    return `Redis: says nothing (${error})`
  }
}

/** Never rejects: one that says nothing is worth knowing of, too. */
async function saidBy({ herdgate }: FleetNode): Promise<string> {
  try {
    const [ready, stats] = await Promise.all([herdgate.ask('/readyz'), herdgate.ask('/v1/stats')])
    const { degraded = [] } = ready.body
    const { log, nodes, inFlight, waiting } = stats.body
    const positions = nodes.map(({ position }: { position: number }) => position)
    return [
      `/readyz ${ready.status}, degraded: ${degraded.join(', ') || 'nothing'}`,
      `log ${log.generation} at ${log.position}, nodes at ${positions}`,
      `${inFlight} in flight, ${waiting} waiting`,
    ].join('; ')
  } catch (error) {
    return `says nothing (${error})`
  }
}

/** How long they took, and how many came about in each way, the most frequent first. */
function answersOf(gets: readonly Get[]): string {
  const p99 = latency(gets, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0.99)
  const ways = [...Map.groupBy(gets, ({ cacheStatus }) => wayIn(cacheStatus))]
  const tally = ways
    .sort(([, one], [, other]) => other.length - one.length)
    .map(([way, { length }]) => `${way} x ${length}`)
  return `${gets.length} answers, p99 ${p99.toFixed(0)} ms: ${tally.join(', ')}`
}

const wayIn = (cacheStatus: string): string =>
  cacheStatus.match(/\b(?:hit|fwd=[\w-]+|detail=[\w-]+)/g)?.join(' ') ?? 'none'
