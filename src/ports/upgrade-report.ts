import type { Events } from '../events.ts'
import type { Fields } from '../fields.ts'
import type { Clock, Outcome, Peer, Route } from '../model.ts'
import { clientAddress } from '../policy/fields/forwarded.ts'

/** What is known of a handshake, and the events that report how it was answered. */
export class UpgradeReport {
  route = ''
  url = ''
  /** Why it was forwarded to the origin; undefined until it is. */
  fwd: Outcome['fwd']
  readonly fields: Fields
  readonly #client: string
  readonly #clock: Clock
  readonly #events: Events
  readonly #startedAt: number

  constructor(fields: Fields, peer: Peer, { clock, events }: { readonly clock: Clock; readonly events: Events }) {
    this.fields = fields
    this.#client = clientAddress(fields, peer)
    this.#clock = clock
    this.#events = events
    this.#startedAt = clock.now()
  }

  /** To be called when the origin is asked. @returns takes the origin's status code, or an error's code and cause */
  originAsked({ name: route, origin }: Route): (code: string, why?: string) => void {
    const startedAt = this.#clock.now()
    return (code, why) => {
      const ms = this.#clock.now() - startedAt
      this.#events.emit('origin', { origin: origin.name, route, reason: 'bypass', code, why, ms })
    }
  }

  answered(status: number, outcome: Outcome, bytes: number, aborted: boolean): void {
    const totalMs = this.#clock.now() - this.#startedAt
    const { route, url } = this
    const peer = this.#client
    const times = { firstByteMs: totalMs, totalMs }
    const request = { route, method: 'GET', url, head: this, status, outcome, bytes, aborted, peer }
    this.#events.emit('request', { ...request, ...times })
  }
}
