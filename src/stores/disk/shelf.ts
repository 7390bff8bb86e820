import { correctionOf } from '../../clock.ts'
import type { EvictionReason } from '../../events.ts'
import type { Clock } from '../../model.ts'
import { AddressBits } from './address-bits.ts'
import type { DiskFile, Tables } from './file.ts'
import { numbersIn, octetsOf } from './numbers.ts'

export interface ShelfUsage {
  readonly bytes: number
  readonly objects: number
}

/** What is known of an entry without reading it: when it came, the bytes of file it takes, until when it is kept. */
interface Card {
  /** Key of its octets: these are in order of arrival, so that entries that leave together are neighbours. */
  readonly place: number
  /** Key in `order`. */
  readonly turn: number
  readonly bytes: number
  readonly until: number
}

/** A record of `order`. */
interface Turn {
  readonly turn: Buffer
  readonly address: Buffer
}

/** What was evicted to make room, and how much. */
interface Evicted {
  readonly evictions: EvictionReason[]
  bytes: number
  spared: number
}

const PAGE = 4_096
/**
 * How much of the file may be in use: the rest allows for free pages that a reader still sees, and for fragmentation. A
 * file never shrinks, so the nearer it comes to its limit, the more of it is kept free, until it stops growing.
 */
const MAX_USED = 0.75
const MIN_USED = 0.35
const NARROWING_FROM = 0.8
const NARROWED_BY = 2
/** How many entries may be spared for having been read lately, per entry that is put in. */
const MAX_SPARED = 16
const SWEPT_AT_ONCE = 1_000
/** How many of the oldest are looked at together, when much room is needed. */
const MAX_AT_ONCE = 256

/**
 * Octets under addresses (hashes of keys), bounded in bytes: first in, first out, except that an entry read since it
 * came, or since it was last spared, is spared. Reading writes nothing: it sets a bit in this process's memory.
 *
 * All that changes something must run in `DiskFile.write`.
 */
export class Shelf {
  readonly #fileBytes: number
  readonly #clock: Clock
  readonly #recentlyRead = new AddressBits()
  #outgrown: number
  #sweptTo: Uint8Array = octetsOf(0)

  /** @param fileBytes what the file may grow to */
  constructor(fileBytes: number, clock: Clock) {
    this.#fileBytes = fileBytes
    this.#outgrown = fileBytes
    this.#clock = clock
  }

  /** Valid only until the next read. */
  get({ tables }: DiskFile, address: Buffer): Uint8Array | undefined {
    const card = cardAt(tables, address)
    const octets = card && tables.entries.getBinaryFast(octetsOf(card.place))
    if (octets === undefined) return undefined
    this.#recentlyRead.add(address)
    return octets.subarray(0, octets.length) // lmdb sets `length` on a larger buffer
  }

  has({ tables }: DiskFile, address: Buffer): boolean {
    return cardAt(tables, address) !== undefined
  }

  put(file: DiskFile, address: Buffer, octets: Uint8Array, until: number): EvictionReason[] {
    const { tables } = file
    this.#keepToLimit(file)
    const replaced = this.remove(file, address, 'replaced')
    const bytes = bytesFor(octets.length)
    const evictions = this.#makeRoom(file, bytes)
    const turn = this.#nextTurn(file)
    tables.entries.putSync(octetsOf(turn), octets)
    this.#putCard(file, address, { place: turn, turn, bytes, until })
    this.#count(file, bytes, 1)
    return [...replaced, ...evictions]
  }

  remove(file: DiskFile, address: Buffer, why: EvictionReason): EvictionReason[] {
    const card = cardAt(file.tables, address)
    if (card === undefined) return []
    removeEntry(file.tables, address, card)
    this.#count(file, -card.bytes, -1)
    return [why]
  }

  /** Addresses of expired entries; each call looks at the next part of the shelf. */
  expired({ tables }: DiskFile): Buffer[] {
    const now = this.#now()
    const seen = turnsIn(tables, { start: this.#sweptTo, limit: SWEPT_AT_ONCE })
    const last = seen.at(-1)?.turn
    this.#sweptTo = seen.length < SWEPT_AT_ONCE || last === undefined ? octetsOf(0) : last
    return seen.map(({ address }) => address).filter((address) => this.#isExpired(tables, address, now))
  }

  removeExpired(file: DiskFile, address: Buffer): EvictionReason[] {
    return this.#isExpired(file.tables, address, this.#now()) ? this.remove(file, address, 'expired') : []
  }

  clear({ tables }: DiskFile): void {
    for (const table of [tables.entries, tables.index, tables.order]) table.clearSync()
    for (const key of [USAGE, TURN]) tables.state.removeSync(key)
  }

  usage({ tables }: DiskFile): ShelfUsage {
    const [bytes = 0, objects = 0] = numbersIn(tables.state.getBinaryFast(USAGE), 2) ?? []
    return { bytes: Math.max(0, bytes), objects: Math.max(0, objects) }
  }

  /**
   * Empties a file that is larger than its limit, as one made under another limit may be: it then grows no further. It
   * keeps its size, which the file says, so that neither another process nor the next one empties it again.
   */
  #keepToLimit(file: DiskFile): void {
    if (file.size <= this.#outgrown) return
    const { state } = file.tables
    const [emptiedAt = 0] = numbersIn(state.getBinaryFast(EMPTIED_AT), 1) ?? []
    this.#outgrown = emptiedAt * GROWTH_ALLOWED
    if (file.size <= this.#outgrown) return
    this.#outgrown = file.size * GROWTH_ALLOWED
    state.putSync(EMPTIED_AT, octetsOf(file.size))
    this.clear(file)
  }

  #makeRoom(file: DiskFile, bytes: number): EvictionReason[] {
    const evictions: EvictionReason[] = []
    const { bytes: used } = this.usage(file)
    // A little at a time: LMDB copies the pages that a removal changes.
    const enough = Math.max(this.#limit(file), used - NARROWED_BY * bytes)
    let wanted = used + bytes - enough
    let mostSpared = MAX_SPARED
    for (let limit = 1; wanted > 0; limit = Math.min(limit * 4, MAX_AT_ONCE)) {
      const oldest = turnsIn(file.tables, { limit })
      if (oldest.length === 0) {
        this.clear(file) // nothing is left, whatever the count says
        break
      }
      const gone = this.#evict(file, oldest, wanted, mostSpared)
      this.#count(file, -gone.bytes, -gone.evictions.length)
      evictions.push(...gone.evictions)
      wanted -= gone.bytes
      mostSpared -= gone.spared
    }
    return evictions
  }

  /** Evicts the oldest, in their order, until they free the bytes wanted. Leaves the usage to the caller. */
  #evict(file: DiskFile, oldest: readonly Turn[], wanted: number, mostSpared: number): Evicted {
    const gone: Evicted = { evictions: [], bytes: 0, spared: 0 }
    const now = this.#now()
    for (const { turn, address } of oldest) {
      if (gone.bytes >= wanted) break
      const card = cardAt(file.tables, address)
      if (card === undefined || !octetsOf(card.turn).equals(turn)) {
        file.tables.order.removeSync(turn) // of an entry that is not there: damaged
      } else if (this.#recentlyRead.take(address) && gone.spared < mostSpared && card.until > now) {
        file.tables.order.removeSync(turn)
        this.#putCard(file, address, { ...card, turn: this.#nextTurn(file) })
        gone.spared += 1
      } else {
        removeEntry(file.tables, address, card)
        gone.evictions.push(card.until > now ? 'size' : 'expired')
        gone.bytes += card.bytes
      }
    }
    return gone
  }

  #limit(file: DiskFile): number {
    const narrowing = Math.min(1, Math.max(0, (file.size / this.#fileBytes - NARROWING_FROM) / (1 - NARROWING_FROM)))
    return this.#fileBytes * (MAX_USED - narrowing * (MAX_USED - MIN_USED))
  }

  /** By the machine's clock, which other processes, and later ones, go by as well. */
  #now(): number {
    return this.#clock.now() + correctionOf(this.#clock)
  }

  #isExpired(tables: Tables, address: Buffer, now: number): boolean {
    const card = cardAt(tables, address)
    return card !== undefined && card.until <= now
  }

  #putCard({ tables }: DiskFile, address: Buffer, { place, turn, bytes, until }: Card): void {
    tables.index.putSync(address, octetsOf(place, turn, bytes, until))
    tables.order.putSync(octetsOf(turn), address)
  }

  #nextTurn(file: DiskFile): number {
    const { tables } = file
    const [last = 0] = numbersIn(tables.state.getBinaryFast(TURN), 1) ?? []
    const turn = last + 1
    const isNew = Number.isSafeInteger(turn) && turn > 0 && [...tables.entries.getKeys(firstFrom(turn))].length === 0
    if (!isNew) this.clear(file) // another program has written into the file: places would be given out twice
    const next = isNew ? turn : 1
    tables.state.putSync(TURN, octetsOf(next))
    return next
  }

  #count(file: DiskFile, bytes: number, objects: number): void {
    const usage = this.usage(file)
    file.tables.state.putSync(USAGE, octetsOf(usage.bytes + bytes, usage.objects + objects))
  }
}

const USAGE = Buffer.from('usage')
const TURN = Buffer.from('turn')
/** An emptied file may still grow by a tenth before it is emptied again. */
const GROWTH_ALLOWED = 1.1
/** Size of the file when it was last emptied for being larger than its limit. */
const EMPTIED_AT = Buffer.from('emptied at')

/** The first key from a place on. */
const firstFrom = (turn: number) => ({ start: octetsOf(turn), limit: 1 })

/**
 * Bytes of file that this many octets take: whole pages, or a share of a page that is two thirds full; and the records
 * in `index` and `order`.
 */
function bytesFor(octets: number): number {
  const cardBytes = 250
  return octets < PAGE / 2 - 60
    ? Math.ceil((octets + 60) * 1.5) + cardBytes
    : Math.ceil((octets + 16) / PAGE) * PAGE + cardBytes
}

/** The oldest first, copied, as the memory they are read from is written to. */
const turnsIn = ({ order }: Tables, range: { readonly start?: Uint8Array; readonly limit: number }): Turn[] =>
  [...order.getRange(range)].map(({ key, value }) => ({ turn: Buffer.from(key), address: Buffer.from(value) }))

function removeEntry({ entries, index, order }: Tables, address: Buffer, { place, turn }: Card): void {
  entries.removeSync(octetsOf(place))
  order.removeSync(octetsOf(turn))
  index.removeSync(address)
}

function cardAt({ index }: Tables, address: Buffer): Card | undefined {
  if (address.length === 0) return undefined // LMDB has no empty keys; another program has written into `order`
  const [place, turn, bytes, until] = numbersIn(index.getBinaryFast(address), 4) ?? []
  if (place === undefined || turn === undefined || bytes === undefined || until === undefined) return undefined
  return { place, turn, bytes, until }
}
