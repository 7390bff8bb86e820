import type { Looks } from '../cache/engine/looks.ts'

/** What was looked up in vain for a request that goes on to node:http, until it comes out there in the same turn. */
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
