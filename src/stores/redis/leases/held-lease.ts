import type { Clock, FetchEnding, Lease } from '../../../model.ts'
import type { Ending } from './fetch-endings.ts'

/** All times are milliseconds. */
interface Holding {
  readonly clock: Clock
  /** How long the holder may be silent before it is taken for dead. */
  readonly life: number
  /** How long others wait for this fetch: they are taken to have the same setting. */
  readonly maxWait: number
  /** @returns 1 when it is kept, 0 when another has it by now; anything else: there was no answer */
  readonly renew: () => Promise<unknown>
  readonly giveBack: (ending: Ending) => Promise<void>
}

/** Kept alive until it is given back, or taken over by another process that took the holder for dead. */
export class HeldLease implements Lease {
  readonly fence: number
  readonly #holding: Holding
  /** When it was asked for. */
  readonly #since: number
  /** When the last grant or renewal was asked for. */
  #askedAt: number
  #cancel = () => {}
  #ended = false

  constructor(fence: number, askedAt: number, holding: Holding) {
    this.fence = fence
    this.#since = askedAt
    this.#askedAt = askedAt
    this.#holding = holding
    this.#renewLater()
  }

  get isDoubtful(): boolean {
    const { clock, life, maxWait } = this.#holding
    const now = clock.now()
    return !this.#ended && (now - this.#askedAt >= life || now - this.#since >= maxWait)
  }

  release(ending: FetchEnding): Promise<void> {
    return this.end(ending)
  }

  async end(ending: Ending): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    this.#cancel()
    await this.#holding.giveBack(ending)
  }

  #renewLater(): void {
    this.#cancel = this.#holding.clock.after(this.#holding.life / 3, () => void this.#renew())
  }

  async #renew(): Promise<void> {
    const askedAt = this.#holding.clock.now()
    const reply = await this.#holding.renew()
    if (reply === 1) this.#askedAt = askedAt
    if (reply === 0) this.#askedAt = Number.NEGATIVE_INFINITY
    if (reply !== 0 && !this.#ended) this.#renewLater()
  }
}
