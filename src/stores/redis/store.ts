import { hash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { correctionOf, systemClock } from '../../clock.ts'
import { DEFAULT_REDIS } from '../../config/defaults.ts'
import type { Events, StoreEvent } from '../../events.ts'
import { checkNames, type Names, shown } from '../../given.ts'
import {
  type Awaitable,
  type Clock,
  type Kept,
  type Pressure,
  type Store,
  type Stored,
  type TierUsage,
  type Write,
  type Written,
} from '../../model.ts'
import { duration, size } from '../../units.ts'
import { Batches, inPieces } from '../batches.ts'
import { type Found, outcomeOf, takeIn } from '../taking-in.ts'
import { encode } from '../codec/codec.ts'
import { VERSION } from '../codec/layout.ts'
import { type CommandEnding, RedisAccess } from './access.ts'
import type { RedisCommand, RedisReply } from './commands.ts'
import { connectRedis, ignoreErrors, mastersOf, type RedisClient, socketTimeoutFor } from './connection.ts'
import { LostValues } from './lost-values.ts'
import { prefixOf } from './prefix.ts'
import { sampleUsage, type UsageSampler } from './usage.ts'
import { oneAtATime } from './one-at-a-time.ts'

export type RedisStoreOptions = RedisStoreSettings &
  (
    | {
        /** `redis://`, `redis+cluster://` or `redis+sentinel://`; `rediss` for TLS. */
        readonly url: string
        readonly client?: undefined
      }
    | {
        /**
         * A client of ioredis, which its creator closes. It should refuse what it cannot send:
         * `enableOfflineQueue: false` and `maxRetriesPerRequest: 0`.
         */
        readonly client: RedisClient
        readonly url?: string | undefined
      }
  )

export interface RedisStoreSettings {
  /**
   * What every key begins with, `herdgate` by default: 1 to 64 letters, digits, `.`, `_`, `:` or `-`. Processes that
   * share entries use the same.
   */
  readonly prefix?: string | undefined
  /**
   * How long a look-up may take before it is answered `unknown`, in ms or as text; `50ms` by default. A write may take
   * ten times as long.
   */
  readonly deadline?: number | string | undefined
  /** Larger entries, head included, are not stored in Redis; in bytes or as text, `1MiB` by default. */
  readonly maxObjectBytes?: number | string | undefined
  /** Seals what is stored, so that nothing is accepted from those who can write to Redis but do not have the key. */
  readonly hmacKey?: string | Uint8Array | undefined
  /** While memory is short, a look-up of an entry of more than 64 KiB is answered `unknown`. */
  readonly pressure?: Pressure | undefined
  readonly events?: Events | undefined
  readonly clock?: Clock | undefined
  /** From 0 to 1, as `Math.random`, the default. */
  readonly random?: (() => number) | undefined
}

const OPTIONS: Names<RedisStoreSettings & { url: string; client: RedisClient }> = {
  url: true,
  client: true,
  prefix: true,
  deadline: true,
  maxObjectBytes: true,
  hmacKey: true,
  pressure: true,
  events: true,
  clock: true,
  random: true,
}

/** Nothing is kept for longer, in milliseconds. */
export const LONGEST_KEEP_MS = 30 * 24 * 3_600_000

const SCAN_COUNT = 500

/**
 * A store in Redis (`redis://`, `redis+cluster://` or `redis+sentinel://`, with `rediss` for TLS), shared by all
 * processes that use it. A look-up is one round trip, under a deadline. A fault of Redis costs copies, but is never an
 * error: look-ups answer `unknown`, writes are lost. What is read back is trusted no more than what an origin sends.
 * @throws RangeError when the URL, the prefix, `hmacKey`, a duration or a size is not valid; TypeError for an unknown
 * option: a misspelt `hmacKey` would leave entries unsealed
 */
export function redisStore(options: RedisStoreOptions): Store {
  checkNames(options, OPTIONS, 'redisStore')
  return new RedisStore(options)
}

/** @throws RangeError for an empty key, which anybody could guess, and for null, which would be no seal at all */
function checkKey(hmacKey: unknown): void {
  if ((typeof hmacKey === 'string' || hmacKey instanceof Uint8Array) && hmacKey.length > 0) return
  throw new RangeError(`expected a non-empty string or octets as hmacKey, got ${shown(hmacKey)}`)
}

class RedisStore implements Store {
  readonly #client: RedisClient
  readonly #access: RedisAccess
  readonly #usage: UsageSampler
  readonly #disconnect: () => void
  readonly #lost: LostValues
  readonly #batches = new Batches()
  readonly #keyPrefix: string
  readonly #maxBytes: number
  readonly #hmacKey: string | Uint8Array | undefined
  readonly #pressure: Pressure | undefined
  readonly #events: Events | undefined
  readonly #clock: Clock
  readonly #clearOnce = oneAtATime(() => this.#clearNow())
  #isClosed = false

  constructor(options: RedisStoreOptions) {
    const { deadline = DEFAULT_REDIS.deadline, maxObjectBytes = DEFAULT_REDIS.maxObjectBytes } = options
    const { hmacKey, pressure, events, clock = systemClock, random = Math.random } = options
    const prefix = prefixOf(options)
    if (hmacKey !== undefined) checkKey(hmacKey)
    const deadlineMs = duration(deadline)
    this.#keyPrefix = `${prefix}:e${VERSION}:`
    this.#maxBytes = size(maxObjectBytes)
    this.#hmacKey = hmacKey
    this.#pressure = pressure
    this.#events = events
    this.#clock = clock
    const connectionOptions = { name: prefix, socketTimeoutMs: socketTimeoutFor(deadlineMs) }
    this.#client = options.client ?? connectRedis(options.url, connectionOptions)
    this.#disconnect = options.client === undefined ? () => this.#client.disconnect() : ignoreErrors(options.client)
    const trial = { name: 'read', key: this.#keyOf(''), mostBytes: 1 } as const
    this.#access = new RedisAccess({ client: this.#client, trial, deadlineMs, clock, random, events })
    this.#usage = sampleUsage(this.#client, clock)
    this.#lost = new LostValues({ clock, remove: (keys) => this.#removeLost(keys) })
  }

  async get(key: string): Promise<Kept> {
    const [kept] = await this.#read([key])
    return kept
  }

  /** One round trip per 500 keys, each under the deadline. */
  getMany(keys: readonly string[]): Awaitable<readonly Kept[]> {
    return inPieces(keys, (piece) => this.#read(piece))
  }

  async #read(keys: readonly string[]): Promise<readonly Kept[]> {
    if (keys.length === 0) return []
    const startedAt = this.#clock.now()
    const mostBytes = this.#maxBytes + 1
    const commands = keys.map((key) => ({ name: 'read', key: this.#keyOf(key), mostBytes }) as const)
    const lost = commands.map(({ key }) => this.#lost.has(key))
    const replies = await this.#access.read(commands)
    const ms = this.#clock.now() - startedAt
    return keys.map((key, at) => {
      const reply = typeof replies === 'string' ? replies : replies[at]
      return this.#kept(key, lost[at] === true ? withoutValue(reply) : reply, ms)
    })
  }

  async set(key: string, stored: Stored, keepForMs: number): Promise<Written> {
    this.#batches.dropPending([key])
    const [written] = await this.#put([{ key, stored, keepForMs }])
    return written
  }

  /** Settles when they are written, or lost. */
  setMany(writes: readonly Write[]): Promise<void> {
    return this.#batches.put(writes, (piece) => this.#put(piece))
  }

  async #put(writes: readonly Write[]): Promise<Written[]> {
    let commands: readonly RedisCommand[] = []
    const make = () => (commands = writes.map((write) => this.#commandFor(write)))
    const writeNumber = this.#lost.beginWrite()
    const outcomes = await this.#write('set', writes.length, make)
    for (const [at, { key, stored }] of writes.entries()) {
      if (outcomes[at] === 'ok') this.#lost.forget(commands[at]?.key ?? '', writeNumber)
      else if (stored.kind === 'value') this.#lost.add(this.#keyOf(key), writeNumber)
    }
    return outcomes.map((outcome, at) => (outcome === 'ok' && commands[at]?.name === 'write' ? undefined : 'lost'))
  }

  delete(key: string): Promise<void> {
    return this.deleteMany([key])
  }

  deleteMany(keys: readonly string[]): Promise<void> {
    return this.#batches.remove(keys, (piece) =>
      this.#write('delete', piece.length, () => piece.map((key) => this.#removal(key))),
    )
  }

  /**
   * Settles when the servers have been scanned once and everything of this prefix removed, or when that has failed. It
   * takes long where a server holds much, whatever that is: one scan runs at a time, and calls made meanwhile share the
   * next.
   */
  clear(): Promise<void> {
    this.#batches.dropAllPending()
    return this.#clearOnce()
  }

  async #clearNow(): Promise<void> {
    if (this.#isClosed) return
    const startedAt = this.#clock.now()
    const outcome = this.#access.degraded ? 'dropped' : await this.#clearAll()
    this.#report('delete', outcome, this.#clock.now() - startedAt)
  }

  /** Also removes what lost writes should have replaced, if that is possible now. */
  async close(): Promise<void> {
    await this.#batches.settled()
    await this.#lost.close()
    this.#isClosed = true
    this.#access.close()
    this.#usage.stop()
    this.#disconnect()
  }

  /** What the servers hold in all, as last reported, every 15 s: which part of it is this store's is not known. */
  usage(): readonly TierUsage[] {
    return [{ tier: 'redis', ...this.#usage.latest, degraded: this.#access.degraded }]
  }

  /** A hash: octets of a user's choosing could select a server, or act as a pattern. */
  #keyOf(key: string): string {
    return this.#keyPrefix + hash('sha256', key, 'base64url')
  }

  #kept(key: string, reply: CommandEnding | undefined, ms: number): Kept {
    const found = this.#found(key, reply)
    this.#report('get', outcomeOf(found), ms)
    if (found !== 'defective') return found
    this.#discard(key)
    return undefined
  }

  #found(key: string, reply: CommandEnding | undefined): Found {
    if (reply === undefined || typeof reply === 'string' || isFailure(reply)) return 'unknown'
    if (!('value' in reply) || !Buffer.isBuffer(reply.value)) return 'defective'
    const octets = reply.value
    if (octets.length === 0) return undefined
    return takeIn(key, octets, { clock: this.#clock, pressure: this.#pressure, hmacKey: this.#hmacKey })
  }

  /** What is there is damaged, or was not put there by a store: it counts as absent for everybody. */
  #discard(key: string): void {
    this.#events?.emit('eviction', { tier: 'redis', reason: 'defective' })
    void this.#access.write(() => [this.#removal(key)])
  }

  /** An entry that cannot be stored removes what was there, which is older. */
  #commandFor({ key, stored, keepForMs }: Write): RedisCommand {
    const octets = this.#isTooLarge(stored)
      ? undefined
      : encode(key, stored, { hmacKey: this.#hmacKey, correction: correctionOf(this.#clock) })
    if (octets === undefined || octets.length > this.#maxBytes) {
      this.#events?.emit('eviction', { tier: 'redis', reason: 'rejected' })
      return this.#removal(key)
    }
    const expireMs = Math.ceil(Math.min(Math.max(keepForMs, 1), LONGEST_KEEP_MS))
    return { name: 'write', key: this.#keyOf(key), octets, expireMs }
  }

  /** Tells without encoding it. */
  #isTooLarge(stored: Stored): boolean {
    return stored.kind === 'response' && (stored.body.length ?? 0) > this.#maxBytes
  }

  #removal(key: string): RedisCommand {
    return { name: 'remove', key: this.#keyOf(key) }
  }

  async #write(
    op: 'set' | 'delete',
    count: number,
    make: () => readonly RedisCommand[],
  ): Promise<StoreEvent['outcome'][]> {
    const startedAt = this.#clock.now()
    const endings = await this.#access.write(make)
    const ms = this.#clock.now() - startedAt
    const outcomes = Array.from({ length: count }, (_, at) => outcomeAt(endings, at))
    for (const outcome of outcomes) this.#report(op, outcome, ms)
    return outcomes
  }

  async #removeLost(keys: readonly string[]): Promise<boolean[]> {
    const endings = await this.#access.write(() => keys.map((key) => ({ name: 'remove', key })))
    return keys.map((_, at) => outcomeAt(endings, at) === 'ok')
  }

  async #clearAll(): Promise<'ok' | 'error'> {
    try {
      await Promise.all(mastersOf(this.#client).map((server) => this.#clearServer(server)))
      return this.#isClosed ? 'error' : 'ok'
    } catch {
      return 'error'
    }
  }

  async #clearServer(server: Redis): Promise<void> {
    let cursor = '0'
    do {
      const [next, keys] = await server.scan(cursor, 'MATCH', `${this.#keyPrefix}*`, 'COUNT', SCAN_COUNT)
      // One by one: in a cluster a key may have moved meanwhile.
      await Promise.all(keys.map((key) => this.#client.unlink(key)))
      cursor = next
    } while (cursor !== '0' && !this.#isClosed)
  }

  #report(op: StoreEvent['op'], outcome: StoreEvent['outcome'], ms: number): void {
    this.#events?.emit('store', { tier: 'redis', op, outcome, ms })
  }
}

function outcomeAt(endings: readonly CommandEnding[] | 'refused', at: number): StoreEvent['outcome'] {
  const ending = typeof endings === 'string' ? endings : (endings[at] ?? 'late')
  if (ending === 'refused') return 'dropped'
  return ending === 'late' || 'error' in ending ? 'error' : 'ok'
}

/** Turns an answer into one that found nothing. */
const withoutValue = (reply: CommandEnding | undefined): CommandEnding | undefined =>
  typeof reply === 'object' && 'value' in reply ? { value: Buffer.alloc(0) } : reply

/** Whether it is an error, other than that what is there is not a string. */
const isFailure = (reply: RedisReply): boolean => 'error' in reply && !reply.error.message.startsWith('WRONGTYPE')
