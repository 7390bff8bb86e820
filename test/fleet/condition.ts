/** The state of a fleet as its nodes and clients report it, to diagnose a failed test. */
import type { Fleet, FleetNode } from '../support/fleet.ts'
import type { RedisServer } from '../support/redis.ts'
import type { Get } from './history.ts'
import { latency } from './load.ts'

/** One line for Redis and one for each node: what it reports, and how it answered these requests. */
export function conditionOf({ nodes }: Fleet, redis: RedisServer, gets: readonly Get[]): Promise<string[]> {
  return Promise.all([
    redisState(redis),
    ...nodes.map(async (node, at) => {
      const ofNode = gets.filter((get) => get.node === String(at))
      return `node ${at}: ${await nodeState(node)}; ${answersOf(ofNode)}`
    }),
  ])
}

/** It may have exited or be suspended. */
async function redisState({ process: { exitCode, signalCode }, cli }: RedisServer): Promise<string> {
  if (exitCode !== null || signalCode !== null) return `Redis: ended with ${exitCode ?? signalCode}`
  try {
    const info = await cli('INFO')
    return `Redis: ${info.match(/^(?:uptime_in_seconds|connected_clients|total_connections_received):\d+/gm)?.join(', ')}`
  } catch (error) {
    return `Redis: says nothing (${error})`
  }
}

/** Never rejects: that a node does not answer is worth reporting too. */
async function nodeState({ herdgate }: FleetNode): Promise<string> {
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

/** Their latency, and how many there were of each cache status, the most frequent first. */
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
