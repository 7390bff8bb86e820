/** The status that stands for 100 on its way through undici; RFC 9110 section 15.2 leaves it unassigned. */
export const CONTINUE_IN_DISGUISE = 109

/** Where the version and the status code are in `HTTP/1.1 100 Continue`. */
const MAJOR_VERSION = 5
const MINOR_VERSION = 7
const FIRST_DIGIT = 9
const LAST_DIGIT = 11
const [CR, LF, ZERO, ONE, NINE] = Buffer.from('\r\n019')

/**
 * undici destroys a connection on which an origin sends 100 Continue, as any server may at any time (RFC 9110 section
 * 15.2: "a client MUST be able to parse one or more 1xx responses"). So that status code, in the status lines up to the
 * final response, is changed in place before undici reads it.
 */
export class StatusLines {
  /** The current or last one is HTTP/1.0, or has a major version other than 1 (RFC 9110 section 2.5). */
  isHttp10 = false
  isOtherVersion = false
  /** Octets of the current status line seen so far; undefined when no head is due. */
  #at: number | undefined
  /** The status code, as far as seen, is 1, 10 or 100. */
  #isContinue = false
  /** Line ends in a row: two end a head. */
  #lineEnds = 0

  /** To be called when a request is sent: the next octets are the head of a response. */
  begin(): void {
    this.#at = 0
  }

  get isHeadDue(): boolean {
    return this.#at !== undefined
  }

  scan(chunk: Uint8Array): void {
    for (let index = 0; index < chunk.length; index++) {
      if (this.#at === undefined) return
      this.#take(chunk, index, this.#at)
    }
  }

  #take(chunk: Uint8Array, index: number, at: number): void {
    const octet = chunk[index]
    if (at > LAST_DIGIT) return this.#skipFields(octet)
    if (at === 0 && (octet === CR || octet === LF)) return // empty lines before a status line
    if (at === MAJOR_VERSION) this.isOtherVersion = octet !== ONE
    if (at === MINOR_VERSION) this.isHttp10 = octet === ZERO
    if (at === FIRST_DIGIT && octet !== ONE) {
      this.#at = undefined // the final one
      return
    }
    if (at >= FIRST_DIGIT) this.#isContinue = at === FIRST_DIGIT || (this.#isContinue && octet === ZERO)
    if (at === LAST_DIGIT && this.#isContinue && NINE !== undefined) chunk[index] = NINE
    this.#at = at + 1
    this.#lineEnds = 0
  }

  /** Skips the fields of an interim response, up to the empty line before the next status line. */
  #skipFields(octet: number | undefined): void {
    if (octet === CR) return
    this.#lineEnds = octet === LF ? this.#lineEnds + 1 : 0
    if (this.#lineEnds === 2) this.#at = 0
  }
}
