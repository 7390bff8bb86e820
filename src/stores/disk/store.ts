import { correctionOf, systemClock } from '../../clock.ts'
import { DEFAULT_DISK_BYTES, DEFAULT_WAITING_BYTES } from '../../config/defaults.ts'
import type { Events } from '../../events.ts'
import {
  type Awaitable,
  type Clock,
  type Kept,
  type Pressure,
  type Store,
  type Stored,
  type Tier,
  type TierUsage,
  type Write,
  type Written,
} from '../../model.ts'
import { checkNames, type Names } from '../../given.ts'
import { size } from '../../units.ts'
import { Batches, inPieces } from '../batches.ts'
import { decode, encode } from '../codec/codec.ts'
import { type Found, outcomeOf, takeIn } from '../taking-in.ts'
import { DiskAccess } from './access.ts'
import { addressOf } from './address.ts'
import { DiskChanges } from './changes.ts'
import type { DiskFile } from './file.ts'
import { EVERYTHING } from './lost-writes.ts'
import { Shelf } from './shelf.ts'

export interface DiskStoreOptions {
  /**
   * A folder on a local disk (LMDB does not work on network file systems); created when missing. Processes of one host
   * may share it.
   */
  readonly path: string
  /** How large the file may grow, in bytes or as text; `10GiB` by default. */
  readonly maxBytes?: number | string | undefined
  /** Larger entries are not stored; in bytes or as text. An eighth of `maxBytes` by default, and no more than that. */
  readonly maxObjectBytes?: number | string | undefined
  /**
   * What waits to be written may take this much memory, the last entry not counted; in bytes or as text, `64MiB` by
   * default. Some 3 KiB of that are for each write itself. A disk that does not keep up costs writes, not the process.
   */
  readonly maxWaitingBytes?: number | string | undefined
  /** While memory is short, a look-up of an entry of more than 64 KiB is answered `unknown`. */
  readonly pressure?: Pressure | undefined
  readonly events?: Events | undefined
  readonly clock?: Clock | undefined
}

const OPTIONS: Names<DiskStoreOptions> = {
  path: true,
  maxBytes: true,
  maxObjectBytes: true,
  maxWaitingBytes: true,
  pressure: true,
  events: true,
  clock: true,
}

const TIER: Tier = 'disk'
const SWEEP_MS = 10_000

/**
 * A store in an LMDB file. A look-up is answered at once, not in a promise, unless it is for more than 500 keys. An
 * entry that cannot be read, for whatever reason, is a miss and is deleted. When the file itself cannot be used,
 * look-ups answer `unknown` and writes are lost for ten seconds, and then it is tried again.
 * @throws RangeError when `path` or a size is not valid; TypeError for an unknown option
 */
export function diskStore(options: DiskStoreOptions): Store {
  checkNames(options, OPTIONS, 'diskStore')
  return new DiskStore(options)
}

class DiskStore implements Store {
  readonly #maxBytes: number
  readonly #maxObjectBytes: number
  readonly #maxWaitingBytes: number
  readonly #pressure: Pressure | undefined
  readonly #events: Events | undefined
  readonly #clock: Clock
  readonly #access: DiskAccess
  readonly #shelf: Shelf
  readonly #changes: DiskChanges
  readonly #batches = new Batches()
  #stopSweeping = () => {}

  constructor(options: DiskStoreOptions) {
    const { path, maxBytes = DEFAULT_DISK_BYTES, maxObjectBytes, maxWaitingBytes = DEFAULT_WAITING_BYTES } = options
    const { pressure, events, clock = systemClock } = options
    this.#maxBytes = size(maxBytes)
    this.#maxObjectBytes = Math.min(maxObjectBytes === undefined ? Infinity : size(maxObjectBytes), this.#maxBytes / 8)
    this.#maxWaitingBytes = size(maxWaitingBytes)
    this.#pressure = pressure
    this.#events = events
    this.#clock = clock
    const access = new DiskAccess(path, clock, events)
    const shelf = new Shelf(this.#maxBytes, clock)
    this.#access = access
    this.#shelf = shelf
    this.#changes = new DiskChanges({ access, shelf, maxWaitingBytes: this.#maxWaitingBytes, events, clock })
    this.#sweepLater()
  }

  get(key: string): Kept {
    const startedAt = this.#clock.now()
    const found = this.#access.read((file) => this.#find(file, key))
    const outcome = outcomeOf(found)
    this.#events?.emit('store', { tier: TIER, op: 'get', outcome, ms: this.#clock.now() - startedAt })
    return found === 'defective' ? undefined : found
  }

  getMany(keys: readonly string[]): Awaitable<readonly Kept[]> {
    return inPieces(keys, (piece) => piece.map((key) => this.get(key)))
  }

  set(key: string, stored: Stored, keepForMs: number): Promise<Written> {
    this.#batches.dropPending([key])
    return this.#put([{ key, stored, keepForMs }])
  }

  setMany(writes: readonly Write[]): Promise<void> {
    return this.#batches.put(writes, (piece) => this.#put(piece))
  }

  delete(key: string): Promise<void> {
    return this.deleteMany([key])
  }

  deleteMany(keys: readonly string[]): Promise<void> {
    return this.#batches.remove(keys, (piece) => this.#remove(piece.map(addressOf)))
  }

  async clear(): Promise<void> {
    this.#batches.dropAllPending()
    let count = 0
    const written = await this.#changes.make('delete', EVERYTHING, 0, (file) => {
      count = this.#shelf.usage(file).objects
      this.#shelf.clear(file)
      return []
    })
    if (written !== 'lost' && count > 0) this.#events?.emit('eviction', { tier: TIER, reason: 'purged', count })
  }

  async close(): Promise<void> {
    this.#stopSweeping()
    await this.#batches.settled()
    await this.#changes.makeUp()
    await this.#access.close()
  }

  usage(): readonly TierUsage[] {
    const usage = this.#access.read((file) => this.#shelf.usage(file))
    const { bytes, objects } = usage === 'unknown' ? NOTHING : usage
    return [{ tier: TIER, bytes, maxBytes: this.#maxBytes, objects, degraded: this.#access.degraded }]
  }

  #find(file: DiskFile, key: string): Found {
    const address = addressOf(key)
    const octets = this.#changes.isOutdated(address) ? undefined : this.#shelf.get(file, address)
    if (octets === undefined) return undefined
    const found = takeIn(key, octets, { clock: this.#clock, pressure: this.#pressure })
    if (found === 'defective') void this.#removeDefect(key, address)
    return found
  }

  /** Deletes what cannot be read, unless something else has replaced it. */
  #removeDefect(key: string, address: Buffer): Promise<Written> {
    return this.#changes.make('delete', [address], 0, (file) => {
      const octets = this.#shelf.get(file, address)
      const isDefect = octets !== undefined && decode(key, octets) === undefined
      return isDefect ? this.#shelf.remove(file, address, 'defective') : []
    })
  }

  async #put(writes: readonly Write[]): Promise<Written> {
    const prepared = this.#prepare(writes)
    const bytes = prepared.reduce((sum, { octets }) => sum + (octets?.length ?? 0), 0)
    const addresses = prepared.map(({ address }) => address)
    const written = await this.#changes.make('set', addresses, bytes, (file) =>
      prepared.flatMap(({ address, octets, until }) =>
        octets === undefined
          ? [...this.#shelf.remove(file, address, 'replaced'), 'rejected' as const] // what was there is older
          : this.#shelf.put(file, address, octets, until),
      ),
    )
    return prepared.some(({ octets }) => octets === undefined) ? 'lost' : written
  }

  /** Without octets where an entry is too large, or too much waits already. */
  #prepare(writes: readonly Write[]): readonly PreparedWrite[] {
    let bytes = this.#changes.waiting
    const correction = correctionOf(this.#clock)
    return writes.map(({ key, stored, keepForMs }) => {
      const octets = bytes < this.#maxWaitingBytes ? this.#admitted(encode(key, stored, { correction })) : undefined
      bytes += octets?.length ?? 0
      return { address: addressOf(key), octets, until: this.#clock.now() + correction + keepForMs }
    })
  }

  #admitted(octets: Buffer | undefined): Buffer | undefined {
    return octets !== undefined && octets.length <= this.#maxObjectBytes ? octets : undefined
  }

  #remove(addresses: readonly Buffer[]): Promise<Written> {
    return this.#changes.make('delete', addresses, 0, (file) =>
      addresses.flatMap((address) => this.#shelf.remove(file, address, 'purged')),
    )
  }

  #sweepLater(): void {
    this.#stopSweeping = this.#clock.after(SWEEP_MS, () => {
      this.#sweep()
      void this.#changes.makeUp()
      this.#sweepLater()
    })
  }

  #sweep(): void {
    const due = this.#access.read((file) => {
      file.freeUnread()
      return this.#shelf.expired(file)
    })
    if (due === 'unknown' || due.length === 0) return
    void this.#changes.make('delete', [], 0, (file) =>
      due.flatMap((address) => this.#shelf.removeExpired(file, address)),
    )
  }
}

interface PreparedWrite {
  readonly address: Buffer
  readonly octets: Buffer | undefined
  readonly until: number
}

const NOTHING = { bytes: 0, objects: 0 }
