import type { SharedLogState } from '../../log/generations.ts'
import type { JournalEntry } from '../../log/journal.ts'
import { FORGOTTEN_AFTER_LEASES } from '../../log/live-nodes.ts'
import type { Mark } from '../../log/marks.ts'
import { isCluster, isReady, type RedisClient } from '../connection.ts'
import { APPEND, type Head, JOIN, type Known, knownArguments, LEAVE, logKeys, REPORT, TRIM } from './log-scripts.ts'
import type { RedisScript } from '../script.ts'
import { oneAtATime } from '../one-at-a-time.ts'

type Seen = Pick<Known, 'generation' | 'position' | 'nonce'>

export interface Joined {
  readonly head: Head
  /** ID of the latest report in the `acks` stream. */
  readonly lastReport: string
  /** As in a `Listing`. */
  readonly nodes: readonly string[]
  /** Absent when it is enough to read on from what the caller applied. */
  readonly state: SharedLogState | undefined
}

const MAX_RECORDS = 100_000
const TRIM_BATCH = 1_000
/** How long an append waits for a replica to have the record too. */
const REPLICATE_MS = 100

/** The calls of a node to the log in Redis. All reject when Redis does not answer. */
export class RedisLogCalls {
  readonly client: RedisClient
  readonly #keys: readonly string[]
  readonly #node: string
  readonly #lease: number
  readonly #maxTargets: number
  readonly #left: () => Iterable<string>
  #hasReplicas = false

  /** @param left generations that this node has left */
  constructor(
    client: RedisClient,
    of: { prefix: string; node: string; lease: number; maxTargets: number },
    left: () => Iterable<string>,
  ) {
    this.client = client
    this.#keys = logKeys(of.prefix)
    this.#node = of.node
    this.#lease = of.lease
    this.#maxTargets = of.maxTargets
    this.#left = left
  }

  /** Keys of the streams of records and of reports. */
  get streams(): { readonly records: string; readonly acks: string } {
    const [, records = '', , , , , , acks = ''] = this.#keys
    return { records, acks }
  }

  /** @param by a connection without a command timeout: all of the log's state may take seconds to arrive */
  async join(by: RedisClient, seen: Seen, applied: number, loadAnyway: boolean): Promise<Joined> {
    const reply = await this.#run(JOIN, seen, [this.#node, this.forgottenAfter, applied, loadAnyway ? '1' : ''], by)
    const head = headIn(reply)
    const [, , , lastReport, nodes, nonce, purgedFloor, invalidatedFloor, purged, invalidated, former] = reply
    const floor = { purged: Number(purgedFloor), invalidated: Number(invalidatedFloor) }
    const marks = marksIn(texts(purged), texts(invalidated), head.position)
    const continues = continuedIn(String(former))
    const state = typeof nonce === 'string' ? { ...head, nonce, floor, marks, continues } : undefined
    return { head, lastReport: String(lastReport), nodes: texts(nodes), state }
  }

  async report(seen: Seen, applied: number): Promise<{ head: Head; nodes: readonly string[] }> {
    const reply = await this.#run(REPORT, seen, [this.#node, this.forgottenAfter, applied])
    return { head: headIn(reply), nodes: texts(reply[3]) }
  }

  async append(
    seen: Seen,
    { nonce, mode, targets }: Pick<JournalEntry, 'nonce' | 'mode' | 'targets'>,
  ): Promise<{ head: Head; nodes: readonly string[]; position: number }> {
    const limits = [this.#maxTargets, MAX_RECORDS]
    const reply = await this.#run(APPEND, seen, [nonce, mode, ...limits, JSON.stringify(targets)])
    return { head: headIn(reply), nodes: texts(reply[3]), position: Number(reply[4]) }
  }

  /**
   * Narrows the window in which a failover loses what was just appended, where there is a replica to fail over to.
   * Redis does nothing else on the connection meanwhile: one call runs at a time, and callers that come meanwhile share
   * the next.
   */
  readonly replicate = oneAtATime(() => this.#replicateNow())

  /** A late replica is not waited for again until `isEvictable` has found that there is one. */
  async #replicateNow(): Promise<void> {
    if (!this.#hasReplicas || isCluster(this.client)) return
    const inTime = await this.client.wait(1, REPLICATE_MS).catch(() => 0)
    if (inTime === 0) this.#hasReplicas = false
  }

  /** @returns how many records were dropped */
  async trim(seen: Seen, olderThanMs: number, everyMs: number): Promise<number> {
    const reply = await this.#run(TRIM, seen, [olderThanMs, everyMs, TRIM_BATCH])
    return Number(reply[3])
  }

  /** May Redis evict keys without a TTL? Undefined where it does not say. Also notes whether it has replicas. */
  async isEvictable(): Promise<boolean | undefined> {
    const info = await this.client.info().catch(() => undefined)
    if (info === undefined) return undefined
    this.#hasReplicas = /^connected_slaves:[1-9]/m.test(info)
    return /^maxmemory_policy:allkeys/m.test(info)
  }

  /**
   * Takes this node off the list. Never rejects.
   * @param by the connection on which it may still be asking for its place there
   */
  async leave(by: RedisClient = this.client): Promise<void> {
    await this.remove(this.#node, by).catch(() => {})
  }

  /** Takes a node off the list. */
  async remove(node: string, by: RedisClient = this.client): Promise<void> {
    await this.#run(LEAVE, { generation: '', position: 0, nonce: '' }, [node], by)
  }

  close(): void {
    this.client.disconnect()
  }

  /** After this many ms of silence a node is no longer listed. */
  get forgottenAfter(): number {
    return FORGOTTEN_AFTER_LEASES * this.#lease
  }

  async #run(
    script: RedisScript,
    seen: Seen,
    more: readonly (string | number)[],
    by: RedisClient = this.client,
  ): Promise<readonly unknown[]> {
    if (!isReady(by)) throw new Error('there is no connection to Redis') // ioredis would say it in words of its own
    const left = [...this.#left()].join(' ')
    const known = knownArguments({ ...seen, fresh: crypto.randomUUID(), lease: this.#lease, left })
    const reply = await script.run(by, this.#keys, [...known, ...more])
    if (!Array.isArray(reply)) throw new TypeError("the log's script did not answer with a list")
    return reply
  }
}

function headIn([generation, position, doubtForMs]: readonly unknown[]): Head {
  return { generation: String(generation), position: Number(position), doubtForMs: Number(doubtForMs) }
}

const texts = (reply: unknown): string[] => (Array.isArray(reply) ? reply.map(String) : [])

/** @param list generations and positions, alternating */
function continuedIn(list: string): Map<string, number> {
  const pairs = list.matchAll(/(\S+) (\d+)/g)
  return new Map(pairs.map(([, generation = '', position]): [string, number] => [generation, Number(position)]))
}

/** In order of the newest record. A position beyond the log's own was not put there by a log, and is left out. */
function marksIn(purged: readonly string[], invalidated: readonly string[], head: number): [string, Mark][] {
  const pairs = (set: readonly string[], markAt: (position: number) => Mark) =>
    set.flatMap((target, at): [string, Mark][] => {
      const position = Number(set[at + 1])
      return at % 2 === 0 && target !== '' && position <= head ? [[target, markAt(position)]] : []
    })
  const newest = ([, { purged: one, invalidated: other }]: [string, Mark]) => Math.max(one, other)
  return [
    ...pairs(purged, (position) => ({ purged: position, invalidated: 0 })),
    ...pairs(invalidated, (position) => ({ purged: 0, invalidated: position })),
  ].sort((one, other) => newest(one) - newest(other))
}
