import type { Looks } from '../cache/engine/looks.ts'

/** Takes the lookups of a request that the lane could not answer past node:http, within a turn of the event loop. */
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
