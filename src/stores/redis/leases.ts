import { hash } from 'node:crypto'
import { systemClock } from '../../clock.ts'
import { CollectableSet } from '../../collectable.ts'
import { DEFAULT_REDIS } from '../../config/defaults.ts'
import type { Clock, FetchLeases, Lease, LeaseAnswer } from '../../model.ts'
import { checkNames, type Names } from '../../given.ts'
import { duration } from '../../units.ts'
import { LATE, within } from '../../deadline.ts'
import { LEASE_LIFE_MS } from '../lease-life.ts'
import { ClientBreaker } from './client-breaker.ts'
import { type Ending, FetchEndings, writeEnding } from './leases/fetch-endings.ts'
import {
  connectorOf,
  type RedisClient,
  type RedisConnectionOptions,
  type RedisConnections,
  socketTimeoutFor,
} from './connection.ts'
import { HeldLease } from './leases/held-lease.ts'
import { ACQUIRE, RELEASE, RENEW } from './leases/lease-scripts.ts'
import { prefixOf } from './prefix.ts'
import type { RedisScript } from './script.ts'

export interface RedisLeasesOptions extends RedisConnections {
  /** What every key begins with, `herdgate` by default: 1 to 64 letters, digits, `.`, `_`, `:` or `-`. */
  readonly prefix?: string | undefined
  /**
   * How long Redis may take to answer, in ms or as text; `50ms` by default. After that each process fetches for itself.
   */
  readonly deadline?: number | string | undefined
  /** How long a holder may be silent before it is taken for dead, in ms or as text; `2s` by default, at least 10 ms. */
  readonly life?: number | string | undefined
  /** How long to wait for the fetches of others in all, in ms or as text; `30s` by default. */
  readonly maxWait?: number | string | undefined
  readonly clock?: Clock | undefined
  readonly random?: (() => number) | undefined
}

const OPTIONS: Names<RedisLeasesOptions> = {
  url: true,
  connect: true,
  prefix: true,
  deadline: true,
  life: true,
  maxWait: true,
  clock: true,
  random: true,
}

/**
 * One fetch per key in a fleet, agreed on in Redis 7 or newer. A waiter is woken when the fetch ends, or asks again
 * when the lease runs out: its holder is then taken for dead, and the first to ask takes over.
 *
 * Two connections: one for commands, one that listens. While Redis is down or slow, the answer is `unavailable`, within
 * the deadline.
 * @throws RangeError when an option is not valid, or neither `url` nor `connect` is given; TypeError for an unknown
 * option
 */
export function redisLeases(options: RedisLeasesOptions): FetchLeases {
  checkNames(options, OPTIONS, 'redisLeases')
  const connect = connectorOf(options)
  const life = Math.ceil(duration(options.life ?? LEASE_LIFE_MS)) // Redis takes whole milliseconds
  if (life < 10) throw new RangeError('expected a life of at least 10ms')
  return new RedisLeases(connect, {
    prefix: prefixOf(options),
    deadline: duration(options.deadline ?? DEFAULT_REDIS.deadline),
    life,
    maxWait: duration(options.maxWait ?? '30s'),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  })
}

interface Settings {
  readonly prefix: string
  readonly deadline: number
  readonly life: number
  readonly maxWait: number
  readonly clock: Clock
  readonly random: () => number
}

/** A lease that another holds, and for how long at least. */
interface Foreign {
  readonly kind: 'foreign'
  readonly fence: number
  readonly leftMs: number
}

type AcquireReply = Extract<LeaseAnswer, { kind: 'held' | 'unavailable' }> | Foreign

const UNAVAILABLE: LeaseAnswer & AcquireReply = { kind: 'unavailable' }
/** How often waiters ask again where endings are not received. */
const POLL_MS = 100
/** A lease may take this many deadlines to be renewed or given back: no request waits for that. */
const RENEWAL_DEADLINES = 10
/** How often giving it back is tried while there is no answer. */
const GIVE_BACK_EVERY_MS = 100

class RedisLeases implements FetchLeases {
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #client: RedisClient
  readonly #endings: FetchEndings
  readonly #breaker: ClientBreaker
  readonly #held = new CollectableSet<HeldLease>()
  #closed = false

  constructor(connect: (options: RedisConnectionOptions) => RedisClient, settings: Settings) {
    const { prefix, clock, random } = settings
    this.#settings = settings
    this.#clock = clock
    this.#client = connect({ name: 'herdgate-leases', socketTimeoutMs: socketTimeoutFor(settings.deadline) })
    this.#endings = new FetchEndings(connect({ name: 'herdgate-endings' }), `${prefix}:fetched`)
    this.#breaker = new ClientBreaker({ client: this.#client, clock, random })
  }

  async take(key: string): Promise<LeaseAnswer> {
    const name = nameOf(key)
    const until = this.#clock.now() + this.#settings.maxWait
    while (!this.#closed && this.#clock.now() < until) {
      const answer = await this.#askOrWait(name, until)
      if (answer !== 'again') return answer
    }
    return UNAVAILABLE
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#breaker.close()
    await Promise.all([...this.#held].map((lease) => lease.end('free')))
    this.#endings.close()
    this.#client.disconnect()
  }

  /** Listens before it asks: an ending may come in before the answer. */
  async #askOrWait(name: string, until: number): Promise<LeaseAnswer | 'again'> {
    const { promise: woken, resolve: wake } = Promise.withResolvers<void>()
    let last: { readonly ending: Ending; readonly fence: number } | undefined
    let awaited = -1
    const forget = this.#endings.on(name, (ending, fence) => {
      if (ending !== 'unsure') last = { ending, fence }
      if (ending === 'unsure' || (awaited >= 0 && fence >= awaited)) wake()
    })
    const endingReceived = () => (last !== undefined && last.fence >= awaited ? last.ending : undefined)
    try {
      const asked = await this.#ask(name)
      if (asked.kind !== 'foreign') return asked
      awaited = asked.fence
      const longestMs = this.#endings.isSubscribed ? asked.leftMs + 1 : Math.min(asked.leftMs + 1, POLL_MS)
      if (endingReceived() === undefined) await this.#pause(Math.min(longestMs, until - this.#clock.now()), woken)
      const ending = endingReceived()
      return ending === undefined || ending === 'free' ? 'again' : { kind: ending }
    } finally {
      forget()
    }
  }

  async #ask(name: string): Promise<AcquireReply> {
    if (!this.#breaker.admits()) return UNAVAILABLE
    const token = crypto.randomUUID()
    const { deadline, life, clock } = this.#settings
    const askedAt = clock.now()
    const sent = this.#run(ACQUIRE, name, token, life)
    const [reply] = await within([sent], deadline, clock)
    if (reply === LATE || !Array.isArray(reply)) {
      this.#breaker.failed('no answer')
      if (reply === LATE) void sent.then((late) => this.#decline(name, token, late))
      return UNAVAILABLE
    }
    this.#breaker.succeeded()
    const [granted, fence, leftMs] = reply.map(Number)
    if (granted === 1) return { kind: 'held', lease: this.#hold(name, token, fence ?? 0, askedAt) }
    return { kind: 'foreign', fence: fence ?? 0, leftMs: leftMs ?? 0 }
  }

  /** Gives back a lease that was granted too late. */
  #decline(name: string, token: string, reply: unknown): void {
    const [granted, fence] = Array.isArray(reply) ? reply.map(Number) : []
    if (granted === 1) void this.#giveBack(name, token, fence ?? 0, 'free')
  }

  #hold(name: string, token: string, fence: number, askedAt: number): Lease {
    const { life, maxWait } = this.#settings
    const lease = new HeldLease(fence, askedAt, {
      clock: this.#clock,
      life,
      maxWait,
      renew: () => this.#replyInTime(this.#run(RENEW, name, token, life)),
      giveBack: async (ending) => {
        leave()
        await this.#giveBack(name, token, fence, ending)
      },
    })
    const leave = this.#held.add(lease)
    return lease
  }

  /** Others wait for it until it runs out, so it is tried for as long: a connection may be lost just then. */
  async #giveBack(name: string, token: string, fence: number, ending: Ending): Promise<void> {
    const { prefix, life } = this.#settings
    const runsOutAt = this.#clock.now() + life
    const message = writeEnding(name, fence, ending)
    for (;;) {
      const reply = await this.#replyInTime(this.#run(RELEASE, name, token, `${prefix}:fetched`, message))
      const isAnswered = typeof reply === 'number'
      if (isAnswered || this.#closed || this.#clock.now() + GIVE_BACK_EVERY_MS >= runsOutAt) return
      await this.#pause(GIVE_BACK_EVERY_MS)
    }
  }

  async #replyInTime(sent: Promise<unknown>): Promise<unknown> {
    const [reply] = await within([sent], this.#settings.deadline * RENEWAL_DEADLINES, this.#clock)
    return reply
  }

  async #pause(ms: number, woken?: Promise<void>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(Math.max(1, ms), resolve)
    await (woken === undefined ? late : Promise.race([woken, late]))
    cancel()
  }

  /** Undefined when there is no answer. Never rejects. */
  async #run(script: RedisScript, name: string, ...args: (string | number)[]): Promise<unknown> {
    return script.run(this.#client, [`${this.#settings.prefix}:fetch:${name}`], args).catch(() => undefined)
  }
}

/** A hash, so that a Redis key has no octets of a stranger's choosing, and no braces, which would select its slot. */
const nameOf = (key: string): string => hash('sha256', key).slice(0, 40)
