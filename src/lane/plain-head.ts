import type { Fields } from '../fields.ts'
import { type Meaning, meaningOf } from './field-meaning.ts'
import {
  CAPITAL,
  COLON,
  CR,
  endOf,
  endOfText,
  equalsIgnoringCase,
  hashed,
  is,
  isAt,
  LETTER,
  LF,
  NAME,
  SLASH,
  SPACE,
  TARGET,
} from './octets.ts'
import { MAX_FIELDS } from '../policy/head.ts'
import { wordsOf } from './words.ts'

/**
 * A request's head in the one form that leaves nothing to interpret: one line per field, names of letters, digits and
 * hyphens, one space, values of visible ASCII and inner spaces, CRLF. All current clients send this form, and no two
 * parsers read it differently. Strings are made from it only on demand.
 */
export interface PlainHead {
  /** Begin with the head. */
  readonly octets: Buffer
  /** Of the head, in octets. */
  readonly length: number
  /** Octets of content that follow it. */
  readonly contentLength: number
  readonly method: string
  /** Origin form. */
  readonly target: string
  readonly host: string
  readonly fields: Fields
  readonly targetFrom: number
  readonly targetTo: number
  readonly hostFrom: number
  readonly hostTo: number
  /** Of the octets of target and host. */
  readonly hash: number
  /** Has Range, so that more than freshness decides about the response. */
  readonly asksForRange: boolean
  /** Has If-None-Match or If-Modified-Since. */
  readonly isConditional: boolean
  /** Position of the value of If-None-Match; both 0 if there is none, or more than one. */
  readonly tagFrom: number
  readonly tagTo: number
  /** X-Forwarded-Proto, which counts only from a trusted proxy. */
  readonly forwardedProto: string | undefined
  /** X-Forwarded-Host, which counts only from a trusted proxy. */
  readonly forwardedHost: string | undefined
  /** Has another field that affects whether a stored response may be used. */
  readonly affectsReuse: boolean
  /** Reads from these octets from now on, which begin with the same head. */
  moveTo(octets: Buffer): void
}

const NOWHERE = -1

/**
 * Reads a complete head at the beginning of some octets.
 * @param end octets from there on do not count, and may be anything
 * @returns undefined if there is the slightest doubt
 */
export function readPlainHead(octets: Buffer, end: number = octets.length): PlainHead | undefined {
  const head = new Reading(octets)
  const words = wordsOf(octets)
  let at = head.requestLine(end)
  for (let fields = 0; at > 0 && octets[at] !== CR; fields++) {
    if (fields === MAX_FIELDS) return undefined
    at = head.fieldLine(words, at, end)
  }
  // Reading only moves forward, so a head that ends in time has nothing in it from beyond the end.
  if (at < 0 || at + 2 > end || octets[at + 1] !== LF || head.hostTo === 0) return undefined
  head.length = at + 2
  return head
}

class Reading implements PlainHead {
  octets: Buffer
  length = 0
  contentLength = 0
  method = ''
  targetFrom = 0
  targetTo = 0
  hostFrom = 0
  hostTo = 0
  hash = 0
  asksForRange = false
  isConditional = false
  tagFrom = 0
  tagTo = 0
  forwardedProto: string | undefined = undefined
  forwardedHost: string | undefined = undefined
  affectsReuse = false
  #hasLength = false
  #tags = 0

  constructor(octets: Buffer) {
    this.octets = octets
  }

  moveTo(octets: Buffer): void {
    this.octets = octets
  }

  get target(): string {
    return this.octets.toString('latin1', this.targetFrom, this.targetTo)
  }

  get host(): string {
    return this.octets.toString('latin1', this.hostFrom, this.hostTo)
  }

  get fields(): Fields {
    const lines = this.octets.toString('latin1', this.targetTo + VERSION.length, this.length - 2)
    const fields: string[] = []
    for (let at = 0; at < lines.length; ) {
      const colon = lines.indexOf(':', at)
      const end = lines.indexOf('\r', colon)
      fields.push(lines.slice(at, colon), lines.slice(colon + 2, end))
      at = end + 2
    }
    return fields
  }

  /** @returns where the fields begin */
  requestLine(end: number): number {
    const { octets } = this
    const at = endOf(CAPITAL, octets, 0, end)
    if (at < SHORTEST_METHOD || at > LONGEST_METHOD || octets[at] !== SPACE || octets[at + 1] !== SLASH) {
      return NOWHERE
    }
    this.method = methodOf(octets, at)
    this.targetFrom = at + 1
    this.targetTo = endOf(TARGET, octets, at + 1, end)
    this.hash = hashed(octets, this.targetFrom, this.targetTo, 0)
    return isAt(octets, this.targetTo, VERSION) ? this.targetTo + VERSION.length : NOWHERE
  }

  /** @returns where the next line begins */
  fieldLine(words: Int32Array, from: number, end: number): number {
    const { octets } = this
    const colon = endOf(NAME, octets, from, end)
    if (!is(LETTER, octets[from]) || octets[colon] !== COLON || octets[colon + 1] !== SPACE) return NOWHERE
    const valueFrom = colon + 2
    const valueTo = endOfText(octets, words, valueFrom, end)
    if (valueTo === valueFrom || octets[valueFrom] === SPACE || octets[valueTo - 1] === SPACE) return NOWHERE
    if (octets[valueTo] !== CR || octets[valueTo + 1] !== LF) return NOWHERE
    const meaning = meaningOf(octets, from, colon)
    return meaning === undefined || this.#note(meaning, valueFrom, valueTo) ? valueTo + 2 : NOWHERE
  }

  /** @returns whether the head may still be a plain one */
  #note(meaning: Meaning, from: number, to: number): boolean {
    switch (meaning) {
      case 'host':
        if (this.hostTo !== 0) return false
        this.hostFrom = from
        this.hostTo = to
        this.hash = hashed(this.octets, from, to, this.hash)
        return true
      case 'connection':
        if (to - from === KEEP_ALIVE.length) return equalsIgnoringCase(this.octets, from, KEEP_ALIVE)
        // Without the Upgrade field, which is not plain, it has no effect; some nginx setups send it every time.
        return to - from === UPGRADE.length && equalsIgnoringCase(this.octets, from, UPGRADE)
      case 'content-length':
        return this.#noteLength(this.octets.toString('latin1', from, to))
      case 'range':
        this.asksForRange = true
        return true
      case 'if-none-match':
        this.isConditional = true
        this.#tags += 1
        this.tagFrom = this.#tags === 1 ? from : 0
        this.tagTo = this.#tags === 1 ? to : 0
        return true
      case 'if-modified-since':
        this.isConditional = true
        return true
      case 'x-forwarded-proto':
        if (this.forwardedProto !== undefined) return false
        this.forwardedProto = this.octets.toString('latin1', from, to)
        return true
      case 'x-forwarded-host':
        if (this.forwardedHost !== undefined) return false
        this.forwardedHost = this.octets.toString('latin1', from, to)
        return true
      case 'affects-reuse':
        this.affectsReuse = true
        return true
      case 'not-plain':
        return false
    }
  }

  #noteLength(value: string): boolean {
    if (this.#hasLength || !/^(?:0|[1-9]\d{0,14})$/.test(value)) return false
    this.#hasLength = true
    this.contentLength = Number(value)
    return true
  }
}

const SHORTEST_METHOD = 3
const LONGEST_METHOD = 16
const VERSION = Buffer.from(' HTTP/1.1\r\n')
const [GET, HEAD] = [Buffer.from('GET'), Buffer.from('HEAD')]
const [KEEP_ALIVE, UPGRADE] = [Buffer.from('keep-alive'), Buffer.from('upgrade')]

function methodOf(octets: Buffer, length: number): string {
  if (length === GET.length && isAt(octets, 0, GET)) return 'GET'
  if (length === HEAD.length && isAt(octets, 0, HEAD)) return 'HEAD'
  return octets.toString('latin1', 0, length)
}
