import { correctionOf, systemClock } from '../../clock.ts'
import type { Events, EvictionReason, StoreEvent } from '../../events.ts'
import type { Clock, Kept, Store, Stored, Tier, TierUsage, Write, Written } from '../../model.ts'
import { size } from '../../units.ts'
import { Batches, inPieces } from '../batches.ts'
import { decode, encode } from '../codec/codec.ts'
import { diskAccess } from './access.ts'
import { addressOf } from './address.ts'
import type { DiskFile } from './file.ts'
import { Shelf } from './shelf.ts'
import { EVERYTHING, LostWrites } from './lost-writes.ts'

export interface DiskStoreOptions {
  /** A folder of its own; made when it is not there. Processes of one host may share it. */
  readonly path: string
  /** How large the file may become. */
  readonly maxBytes?: number | string | undefined
  /** Larger things are not kept. */
  readonly maxObjectBytes?: number | string | undefined
  readonly events?: Events | undefined
  readonly clock?: Clock | undefined
}

const TIER: Tier = 'disk'
/**
 * What waits to be written may take this much memory, and one more is let in as long as it takes less: a disk that does not
 * keep up loses writes, not the process.
 */
const MOST_WAITING = 64 * 2 ** 20
const SWEEP_MS = 10_000

/**
 * Stored things in an LMDB file. A look-up is answered at once, not in a promise, unless it is for very many. A thing that cannot be read, for
 * whatever reason, is not there, and is deleted; when the file itself cannot be used, look-ups are `unknown` and
 * writes are lost for a while, and then it is tried again.
 */
export function diskStore({
  path,
  maxBytes: limit = '10GiB',
  maxObjectBytes: objectLimit,
  events,
  clock = systemClock,
}: DiskStoreOptions): Store {
  const maxBytes = size(limit)
  const maxObjectBytes = Math.min(objectLimit === undefined ? Infinity : size(objectLimit), maxBytes / 8)
  const access = diskAccess(path, clock, events)
  const shelf = new Shelf(maxBytes, clock)
  const lost = new LostWrites()
  const batches = new Batches()
  let waiting = 0

  const report = (op: StoreEvent['op'], outcome: StoreEvent['outcome'], startedAt: number): void =>
    events?.emit('store', { tier: TIER, op, outcome, ms: clock.now() - startedAt })

  const get = (key: string): Kept => {
    const startedAt = clock.now()
    let none: 'miss' | 'error' = 'miss'
    const kept = access.read((file) => {
      const address = addressOf(key)
      const octets = lost.mayHave(address) ? undefined : shelf.get(file, address)
      if (octets === undefined) return undefined
      const stored = decode(key, octets, { correction: correctionOf(clock) })
      if (stored === undefined) {
        none = 'error'
        void removeDefect(key, address)
      }
      return stored
    })
    report('get', kept === 'unknown' ? 'unknown' : kept === undefined ? none : 'hit', startedAt)
    return kept
  }

  /** What cannot be read is deleted, unless something else has come to its place. */
  const removeDefect = (key: string, address: Buffer): Promise<Written> =>
    change('delete', [address], 0, (file) => {
      const octets = shelf.get(file, address)
      return octets !== undefined && decode(key, octets) === undefined ? shelf.remove(file, address, 'defective') : []
    })

  const change = async (
    op: 'set' | 'delete',
    addresses: readonly Buffer[] | typeof EVERYTHING,
    bytes: number,
    run: (file: DiskFile) => EvictionReason[],
  ): Promise<Written> => {
    const startedAt = clock.now()
    const told = (outcome: StoreEvent['outcome']): void => {
      const count = addresses === EVERYTHING ? 1 : Math.max(1, addresses.length)
      for (let at = 0; at < count; at++) report(op, outcome, startedAt)
    }
    const isTried = !access.degraded
    const remedy = lost.remedy()
    waiting += bytes
    try {
      const departures = await access.write((file) => [...remedy.apply(file, shelf), ...run(file)])
      remedy.done()
      told('ok')
      for (const reason of departures) events?.emit('eviction', { tier: TIER, reason })
    } catch (error) {
      lost.add(addresses)
      told(isTried ? 'error' : 'dropped')
      access.rest(error)
      return 'lost'
    } finally {
      waiting -= bytes
    }
  }

  const put = async (writes: readonly Write[]): Promise<Written> => {
    const things = toBePut(writes)
    const bytes = things.reduce((sum, { octets }) => sum + (octets?.length ?? 0), 0)
    const addresses = things.map(({ address }) => address)
    const written = await change('set', addresses, bytes, (file) =>
      things.flatMap(({ address, octets, until }) =>
        octets === undefined
          ? [...shelf.remove(file, address, 'replaced'), 'rejected' as const] // what stood there is older
          : shelf.put(file, address, octets, until),
      ),
    )
    return things.some(({ octets }) => octets === undefined) ? 'lost' : written
  }

  /** Without octets where they are too many, for themselves or beside what waits. */
  const toBePut = (writes: readonly Write[]): readonly ToBePut[] => {
    let bytes = waiting
    const correction = correctionOf(clock)
    return writes.map(({ key, stored, keepForMs }) => {
      const octets = bytes < MOST_WAITING ? admitted(encode(key, stored, { correction })) : undefined
      bytes += octets?.length ?? 0
      return { address: addressOf(key), octets, until: clock.now() + correction + keepForMs }
    })
  }

  const admitted = (octets: Buffer | undefined): Buffer | undefined =>
    octets !== undefined && octets.length <= maxObjectBytes ? octets : undefined

  const deleteMany = (keys: readonly string[]): Promise<void> =>
    batches.remove(keys, (piece) => {
      const addresses = piece.map(addressOf)
      return change('delete', addresses, 0, (file) =>
        addresses.flatMap((address) => shelf.remove(file, address, 'purged')),
      )
    })

  let stopSweeping = clock.after(SWEEP_MS, sweep)
  function sweep(): void {
    const due = access.read((file) => shelf.expired(file))
    if (due !== 'unknown' && due.length > 0) {
      void change('delete', [], 0, (file) => due.flatMap((address) => shelf.removeExpired(file, address)))
    }
    stopSweeping = clock.after(SWEEP_MS, sweep)
  }

  return {
    get,
    getMany: (keys) => inPieces(keys, (piece) => piece.map((key) => get(key))),
    set(key: string, stored: Stored, keepForMs: number) {
      batches.overtake([key])
      return put([{ key, stored, keepForMs }])
    },
    setMany: (writes) => batches.put(writes, put),
    delete: (key) => deleteMany([key]),
    deleteMany,
    async clear() {
      batches.overtakeAll()
      let count = 0
      const written = await change('delete', EVERYTHING, 0, (file) => {
        count = shelf.usage(file).objects
        shelf.clear(file)
        return []
      })
      if (written !== 'lost' && count > 0) events?.emit('eviction', { tier: TIER, reason: 'purged', count })
    },
    async close() {
      stopSweeping()
      await batches.settled()
      await access.close()
    },
    usage(): readonly TierUsage[] {
      const usage = access.read((file) => shelf.usage(file))
      const { bytes, objects } = usage === 'unknown' ? NOTHING : usage
      return [{ tier: TIER, bytes, maxBytes, objects, degraded: access.degraded }]
    },
  }
}

interface ToBePut {
  readonly address: Buffer
  readonly octets: Buffer | undefined
  readonly until: number
}

const NOTHING = { bytes: 0, objects: 0 }
