/**
 * What happened in a fleet, as its clients and its origin saw it, and whether that was allowed
 * (docs/guarantees.md, "Guarantees").
 *
 * All times are from one monotonic clock, read where the client or the origin acts. Delays between processes can make a
 * check miss a fault, but never report a false one.
 */
import type { InvalidationMode } from '../../src/model.ts'
import { FORGOTTEN_AFTER_LEASES } from '../../src/stores/log/live-nodes.ts'

export interface History {
  readonly writes: Write[]
  readonly served: Served[]
  readonly purges: Purge[]
  readonly gets: Get[]
}

/** The origin's content of a key changed: every answer from `at` on has this version or a newer one. */
export interface Write {
  readonly key: string
  readonly version: number
  readonly at: number
}

/** An answer of the origin. */
export interface Served extends Body {
  readonly at: number
}

/** What every body states about itself. */
export interface Body {
  readonly key: string
  readonly variant: string
  /** The only user it is for; undefined: everyone. */
  readonly user: string | undefined
  readonly version: number
}

export interface Purge {
  readonly mode: InvalidationMode
  readonly node: string
  /** The keys it covers, by whatever selector. */
  readonly keys: readonly string[]
  readonly call: number
  /** undefined: not answered. */
  answer: PurgeAnswer | undefined
}

export interface PurgeAnswer {
  readonly at: number
  /** 200: applied by every live node; 202: logged; 503: neither. */
  readonly status: number
  /** What the log said. */
  readonly log?: string | undefined
}

export interface Get {
  readonly node: string
  readonly key: string
  readonly variant: string
  readonly user: string | undefined
  readonly start: number
  readonly end: number
  readonly status: number
  /** Present if the answer has content of the origin. */
  readonly body: Body | undefined
  readonly cacheStatus: string
  /** The node was in step with the log when asked, so it knew every purge acknowledged by then. */
  readonly inStep?: boolean
  /** When the node was last seen to be in step; -Infinity: never; undefined: not known. */
  readonly lastInStep?: number | undefined
  /** What the node knew of the log then. */
  readonly log?: string | undefined
}

export interface Violation {
  readonly what: 'lost purge' | 'late purge' | 'foreign body'
  readonly get: Get
  /** The purge that had no effect. */
  readonly purge?: Purge
  /** The oldest version that would have been allowed. */
  readonly least?: number
}

export interface Guarantees {
  /** Time in ms (two leases) after which a logged but unacknowledged purge binds; undefined: never guaranteed. */
  readonly loggedHoldsAfterMs?: number | undefined
  /**
   * Nodes may have been cut off from the log while the origin failed: they then serve what they have, not knowing of
   * purges.
   */
  readonly mayBeCutOffFromAll?: boolean | undefined
  /** Lease of the nodes, in ms; undefined: purges wait for every node. */
  readonly leaseMs?: number | undefined
}

/**
 * All answers that should not have been given:
 *
 * - `lost purge`: the request began after a purge was acknowledged, and the answer has a version older than the newest
 *   one written before that purge was called. At a node that purges need not wait for, the request also began more than
 *   a lease after that call.
 * - `late purge`: the same for a purge that was only logged, after the time it may take.
 * - `foreign body`: the origin never gave that answer, to anyone, for this key, variant and user.
 */
export function check(history: History, guarantees: Guarantees = {}): Violation[] {
  const { loggedHoldsAfterMs, mayBeCutOffFromAll = false, leaseMs } = guarantees
  const isServed = servedTo(history.served)
  const acknowledged = floorsOf(history, (purge) => (purge.answer?.status === 200 ? purge.answer.at : undefined))
  const logged = floorsOf(history, ({ answer }) => {
    const holds = loggedHoldsAfterMs !== undefined && (answer?.status === 200 || answer?.status === 202)
    return holds ? answer.at + loggedHoldsAfterMs : undefined
  })
  return history.gets.flatMap((get): Violation[] => {
    if (get.body === undefined) return []
    if (!isServed(get, get.body)) return [{ what: 'foreign body', get }]
    if (mayBeCutOffFromAll && isForFailure(get) && get.inStep !== true) return []
    const lost = missing(acknowledged, get, get.body, leaseMs)
    if (lost !== undefined) return [{ what: 'lost purge', get, ...lost }]
    const late = missing(logged, get, get.body)
    return late === undefined ? [] : [{ what: 'late purge', get, ...late }]
  })
}

/** From `from` on, versions of a key older than `least` are forbidden. */
interface Floor {
  readonly from: number
  readonly least: number
  readonly purge: Purge
}

type Floors = ReadonlyMap<string, readonly Floor[]>

function floorsOf({ writes, purges }: History, holdsFrom: (purge: Purge) => number | undefined): Floors {
  const floors = new Map<string, Floor[]>()
  for (const purge of purges) {
    const from = holdsFrom(purge)
    if (from === undefined) continue
    for (const key of purge.keys) {
      const least = newestBefore(writes, key, purge.call)
      const ofKey = floors.get(key)
      if (ofKey === undefined) floors.set(key, [{ from, least, purge }])
      else ofKey.push({ from, least, purge })
    }
  }
  return floors
}

function newestBefore(writes: readonly Write[], key: string, call: number): number {
  return Math.max(0, ...writes.filter((write) => write.key === key && write.at < call).map(({ version }) => version))
}

function missing(
  floors: Floors,
  get: Get,
  body: Body,
  leaseMs?: number,
): Pick<Violation, 'purge' | 'least'> | undefined {
  const stale = mayBeStale(get)
  const broken = floors.get(get.key)?.find(({ from, least, purge }) => {
    if (from >= get.start || body.version >= least || (stale && purge.mode === 'invalidate')) return false
    return leaseMs === undefined || get.start > purge.call + leaseMs || wasAwaited(get, purge, leaseMs)
  })
  return broken === undefined ? undefined : { purge: broken.purge, least: broken.least }
}

/**
 * Whether the purge certainly waited for the node: it does not for one that has been cut off from the log for twelve
 * leases, or has not reached it yet. A node in step last reported up to a lease ago.
 */
function wasAwaited({ lastInStep }: Get, { answer }: Purge, leaseMs: number): boolean {
  if (lastInStep === undefined || answer === undefined) return true
  return answer.at < lastInStep + (FORGOTTEN_AFTER_LEASES - 1) * leaseMs
}

/** A copy marked as stale, served because the origin failed. */
const isForFailure = ({ cacheStatus }: Get): boolean => /detail=stale-if-error\b/.test(cacheStatus)

/** Also one served because the origin was slow: an invalidation allows both. */
const mayBeStale = (get: Get): boolean => isForFailure(get) || /detail=soft-timeout\b/.test(get.cacheStatus)

/** Whether the origin had given this answer, for everyone or for the asking user, by the time the GET ended. */
function servedTo(served: readonly Served[]): (get: Get, body: Body) => boolean {
  const first = new Map<string, number>()
  for (const { at, ...body } of served) {
    const name = nameOf(body)
    first.set(name, Math.min(at, first.get(name) ?? Number.POSITIVE_INFINITY))
  }
  return ({ key, variant, user, end }, body) => {
    const isTheirs = body.key === key && body.variant === variant && (body.user === undefined || body.user === user)
    const at = first.get(nameOf(body))
    return isTheirs && at !== undefined && at <= end
  }
}

const nameOf = ({ key, variant, user, version }: Body): string => JSON.stringify([key, variant, user, version])

export function emptyHistory(): History {
  return { writes: [], served: [], purges: [], gets: [] }
}

/** Describes a violation, and what happened to its key since the version in the answer was current. */
export function explain({ writes, purges, served }: History, { what, get, purge, least }: Violation): string {
  const ofKey = [
    ...writes.filter(({ key }) => key === get.key).map(({ at, version }) => ({ at, text: `written: ${version}` })),
    ...served
      .filter(({ key, variant }) => key === get.key && variant === get.variant)
      .map(({ at, version, user }) => ({
        at,
        text: `origin answers ${version}${user === undefined ? '' : ` to ${user}`}`,
      })),
    ...purges
      .filter(({ keys }) => keys.includes(get.key))
      .flatMap(({ mode, node, call, answer }) => [
        { at: call, text: `${mode} called at ${node}` },
        ...(answer === undefined
          ? []
          : [{ at: answer.at, text: `${mode} at ${node} answered ${answer.status}${noted(answer.log)}` }]),
      ]),
    { at: get.start, text: `GET at ${get.node} begins${noted(get.log)}` },
    { at: get.end, text: `GET answered: ${JSON.stringify(get.body)}, ${get.cacheStatus}` },
  ]
  const from = Math.max(
    ...writes.filter(({ key, version }) => key === get.key && version === get.body?.version).map(({ at }) => at),
  )
  const needed = least === undefined ? '' : `, at least version ${least} was due`
  const called = purge === undefined ? '' : ` (${purge.mode} called at ${purge.call.toFixed(1)})`
  const events = ofKey.filter(({ at }) => from <= at && at <= get.end).sort((a, b) => a.at - b.at)
  const lines = events.map(({ at, text }) => `  ${at.toFixed(1).padStart(10)} ${text}`)
  return [`${what}: ${get.key} ${get.variant}${needed}${called}`, ...lines].join('\n')
}

const noted = (log: string | undefined): string => (log === undefined ? '' : ` (log: ${log})`)
