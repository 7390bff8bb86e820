import type { Events } from '../../../events.ts'
import type { Clock } from '../../../model.ts'
import type { Lease } from '../../log/lease.ts'
import { failureOf } from '../connection.ts'

/** Whether the log can be read, according to the lease, and why not; emits an event when that changes. */
export class SyncState {
  readonly #lease: Lease
  readonly #clock: Clock
  readonly #events: Events | undefined
  #wasSynced: boolean | undefined
  /** The last error of Redis, or of the connection to it. */
  #lastError: string | undefined

  constructor(of: { lease: Lease; clock: Clock; events: Events | undefined }) {
    this.#lease = of.lease
    this.#clock = of.clock
    this.#events = of.events
  }

  get synced(): boolean {
    return this.#lease.holds(this.#clock.now())
  }

  get degraded(): readonly string[] {
    return this.synced ? [] : ['invalidation log: not received, copies are revalidated once per lease']
  }

  failed(error: unknown): void {
    this.#lastError = failureOf(error as Error)
  }

  answered(): void {
    this.#lastError = undefined
  }

  /** Emits an event when the lease was lost or has come back. */
  announce(): void {
    const { synced } = this
    if (synced === this.#wasSynced) return
    this.#wasSynced = synced
    this.#events?.emit('log', synced ? { what: 'synced', detail: 'the invalidation log is received' } : this.#unsynced)
  }

  get #unsynced(): { what: 'unsynced'; detail: string } {
    const why = this.#lastError === undefined ? '' : ` (Redis: ${this.#lastError})`
    const detail = `the invalidation log is not received${why}: copies are revalidated once per lease`
    return { what: 'unsynced', detail }
  }
}
