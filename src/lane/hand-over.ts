import type { Looks } from '../cache/engine/looks.ts'

/** Carries the lookups of an unanswered request from the lane past node:http, within a turn of the event loop. */
export class HandOver {
  #looks: Looks | undefined

  put(looks: Looks): void {
    this.#looks = looks
  }

  take(): Looks | undefined {
    const looks = this.#looks
    this.#looks = undefined
    return looks
  }
}
