/** Changes to the disk file. While the disk stalls, few of them wait; what could not be written is made up for. */
import type { Events, EvictionReason, StoreEvent } from '../../events.ts'
import type { Clock, Written } from '../../model.ts'
import type { DiskAccess } from './access.ts'
import type { DiskFile } from './file.ts'
import { type Addresses, EVERYTHING, LostWrites } from './lost-writes.ts'
import type { Shelf } from './shelf.ts'

export interface DiskChangesParts {
  readonly access: DiskAccess
  readonly shelf: Shelf
  /** Changes wait for the disk until they take more memory than this. */
  readonly maxWaitingBytes: number
  readonly events: Events | undefined
  readonly clock: Clock
}

type ChangeOp = 'set' | 'delete'

/** @returns a reason for each entry that is evicted */
type Run = (file: DiskFile) => EvictionReason[]

/** Memory that a change takes while it waits for the disk, besides the octets it writes. */
const CHANGE_BYTES = 3_072
const ADDRESS_BYTES = 256

export class DiskChanges {
  readonly #parts: DiskChangesParts
  readonly #lost = new LostWrites()
  #waiting = 0
  #makingUp: Promise<void> | undefined

  constructor(parts: DiskChangesParts) {
    this.#parts = parts
  }

  /** Bytes of memory that is taken by what is on its way to the file. */
  get waiting(): number {
    return this.#waiting
  }

  /** Whether what is there is too old, as a change was lost. */
  isOutdated(address: Buffer): boolean {
    return this.#lost.mayHave(address)
  }

  /**
   * Changes what is in the file, unless too much waits for the disk already.
   * @param addresses where something changes
   * @param bytes of what is written
   */
  async make(op: ChangeOp, addresses: Addresses, bytes: number, run: Run): Promise<Written> {
    if (this.#waiting <= this.#parts.maxWaitingBytes) return this.#attempt(op, addresses, bytes, run)
    this.#lost.add(this.#outdatedAt(addresses))
    this.#report(op, addresses, 'dropped', this.#parts.clock.now())
    return 'lost'
  }

  /** Removes what is outdated because changes were lost, as long as that succeeds. */
  makeUp(): Promise<void> {
    this.#makingUp ??= this.#removeOutdated().finally(() => (this.#makingUp = undefined))
    return this.#makingUp
  }

  /** Where there is something, or it is on its way: it is older than a change that cannot wait for the disk. */
  #outdatedAt(addresses: Addresses): Addresses {
    const { access, shelf } = this.#parts
    if (addresses === EVERYTHING) return EVERYTHING
    const outdated = access.read((file) => {
      file.refresh()
      return addresses.filter((address) => this.#lost.isUnderway(address) || shelf.has(file, address))
    })
    return outdated === 'unknown' ? addresses : outdated
  }

  async #removeOutdated(): Promise<void> {
    const { shelf } = this.#parts
    while (this.#lost.areAny) {
      const addresses = this.#lost.oldest()
      const removed = await this.#attempt('delete', addresses, 0, (file) =>
        addresses.flatMap((address) => shelf.remove(file, address, 'replaced')),
      )
      if (removed === 'lost') return
    }
  }

  async #attempt(op: ChangeOp, addresses: Addresses, bytes: number, run: Run): Promise<Written> {
    const { access, shelf, events, clock } = this.#parts
    const startedAt = clock.now()
    const isTried = !access.degraded
    const attempt = this.#lost.begin(addresses)
    const memory = CHANGE_BYTES + countOf(addresses) * ADDRESS_BYTES + bytes
    this.#waiting += memory
    try {
      const evictions = await access.write((file) => {
        attempt.prepare(file, shelf)
        return run(file)
      })
      attempt.succeeded()
      this.#report(op, addresses, 'ok', startedAt)
      for (const reason of evictions) events?.emit('eviction', { tier: 'disk', reason })
    } catch (error) {
      attempt.failed()
      this.#report(op, addresses, isTried ? 'error' : 'dropped', startedAt)
      access.suspend(error)
      return 'lost'
    } finally {
      this.#waiting -= memory
    }
    if (this.#lost.areAny) void this.makeUp()
  }

  #report(op: ChangeOp, addresses: Addresses, outcome: StoreEvent['outcome'], startedAt: number): void {
    const { events, clock } = this.#parts
    for (let at = 0; at < countOf(addresses); at++) {
      events?.emit('store', { tier: 'disk', op, outcome, ms: clock.now() - startedAt })
    }
  }
}

/** How often a change is reported: a removal of what has expired once. */
const countOf = (addresses: Addresses): number => (addresses === EVERYTHING ? 1 : Math.max(1, addresses.length))
