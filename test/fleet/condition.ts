/** How a fleet is, as its nodes and its clients say: what to read when it is not as it should be. */
import type { Fleet, FleetNode } from '../support/fleet.ts'
import type { Get } from './history.ts'

/** A line for each node: what it says of itself, and what its answers to these requests said. */
export function conditionOf({ nodes }: Fleet, gets: readonly Get[]): Promise<string[]> {
  return Promise.all(
    nodes.map(async (node, at) => {
      const ofNode = gets.filter((get) => get.node === String(at))
      return `node ${at}: ${await saidBy(node)}; ${ofNode.length} answers: ${tally(ofNode)}`
    }),
  )
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

/** How many answers came about in each way, the most frequent first. */
function tally(gets: readonly Get[]): string {
  const ways = [...Map.groupBy(gets, ({ cacheStatus }) => wayIn(cacheStatus))]
  return ways
    .sort(([, one], [, other]) => other.length - one.length)
    .map(([way, { length }]) => `${way} x ${length}`)
    .join(', ')
}

const wayIn = (cacheStatus: string): string =>
  cacheStatus.match(/\b(?:hit|fwd=[\w-]+|detail=[\w-]+)/g)?.join(' ') ?? 'none'
