import { HerdgateError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import { MAX_HEAD } from './origin-socket.ts'
import { CONTINUE_IN_DISGUISE } from './status-line.ts'

/** Interim responses accepted before the final one. */
const MAX_INTERIM = 64
/** RFC 9110 section 15.2.1. Nothing waits for it: Expect has been dealt with before a request gets here. */
const CONTINUE = 100
const SWITCHING_PROTOCOLS = 101

/** Passes on what an origin sends before its final response (RFC 9110 section 15.2), within limits. */
export class Interim {
  readonly #where: string
  readonly #pass: ((status: number, fields: Fields) => void) | undefined
  #count = 0
  #octets = 0

  constructor(where: string, pass: ((status: number, fields: Fields) => void) | undefined) {
    this.#where = where
    this.#pass = pass
  }

  /** @returns what is wrong with it, if anything is */
  receive(status: number, fields: Fields): HerdgateError | undefined {
    this.#count += 1
    this.#octets += fields.reduce((sum, part) => sum + part.length, 0)
    if (status < 100) return this.#invalid(`status ${status}`)
    if (status === SWITCHING_PROTOCOLS) return this.#invalid('switched protocols unasked')
    if (this.#count > MAX_INTERIM) return this.#invalid(`more than ${MAX_INTERIM} interim responses`)
    if (this.#octets > MAX_HEAD) return this.#invalid(`more than ${MAX_HEAD} octets of interim responses`)
    if (status !== CONTINUE && status !== CONTINUE_IN_DISGUISE) this.#pass?.(status, fields)
    return undefined
  }

  #invalid(what: string): HerdgateError {
    return new HerdgateError('origin_invalid', `${this.#where}: ${what}`)
  }
}
