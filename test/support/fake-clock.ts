import type { Clock } from '../../src/model.ts'

/** A clock that moves only when the test moves it. */
export class FakeClock implements Clock {
  #now: number
  #correctedBy = 0
  #timers: { at: number; run: () => void }[] = []

  constructor(startAt = Date.UTC(2026, 0, 1)) {
    this.#now = startAt
  }

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#now + this.#correctedBy
  }

  /** The wall clock is corrected: it jumps, while timers and elapsed time do not. */
  correct(byMs: number): void {
    this.#correctedBy += byMs
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Advances time, running due timers in order and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter((other) => other !== due)
      this.#now = Math.max(this.#now, due.at)
      due.run()
      await settle()
    }
    this.#now = until
    await settle()
  }

  /** Advances time without running any timers, as when the process is suspended. */
  stall(ms: number): void {
    this.#now += ms
  }

  get pending(): number {
    return this.#timers.length
  }
}

/** Lets everything run that waits only for promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
