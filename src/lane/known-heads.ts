import type { PlainHead } from './plain-head.ts'
import type { Resource } from './resources.ts'
import { WORD_BITS, wordsOf } from './words.ts'

/** A head that is a whole request, and what it asks for. */
export interface KnownHead {
  readonly head: PlainHead
  readonly resource: Resource
}

/** The fingerprints are compared first; then the octets, as words. */
interface FingerprintedHead extends KnownHead {
  readonly fingerprint: number
  readonly words: Int32Array
}

const PLACES = 256
/** Longer heads are not kept: the octets of all of them take up to 256 KiB. */
const MAX_OCTETS = 1_024
/** Words that go into the fingerprint: the first, which hold the target and usually Host, and the last. */
const FINGERPRINTED = { first: 16, last: 4 }

/** Misses in a row before a place is given to another head: where no two heads are alike, few are copied in vain. */
const PATIENCE = 32

/**
 * Heads read before, found by their exact octets: a client that repeats a request repeats its head, and what was read
 * from it still holds. Each head has one possible place.
 */
export class KnownHeads {
  readonly #places: (FingerprintedHead | undefined)[] = Array.from({ length: PLACES }, () => undefined)
  /** Misses at each place since its head was last found. */
  readonly #misses = new Uint8Array(PLACES)
  /** Of the head that was looked up last; undefined if it cannot be kept. */
  #fingerprint: number | undefined

  /** The known head that these octets are, with nothing after it; undefined if there is none. */
  get(octets: Buffer, length: number): KnownHead | undefined {
    const words = wordsOf(octets)
    const fingerprint = length > MAX_OCTETS || words.length === 0 ? undefined : fingerprintOf(words, length)
    this.#fingerprint = fingerprint
    if (fingerprint === undefined) return undefined
    const known = this.#places[placeOf(fingerprint)]
    if (known === undefined || known.fingerprint !== fingerprint || known.head.length !== length) return undefined
    if (!isSame(known, octets, words)) return undefined
    this.#misses[placeOf(fingerprint)] = 0
    return known
  }

  /** Adds the head that was looked up last, and not found. */
  add(added: KnownHead): void {
    const fingerprint = this.#fingerprint
    if (fingerprint === undefined || added.head.affectsReuse) return // credentials and cookies are not kept
    const place = placeOf(fingerprint)
    const misses = (this.#misses[place] ?? 0) + 1
    const isTaken = this.#places[place] !== undefined && misses < PATIENCE
    this.#misses[place] = isTaken ? misses : 0
    if (!isTaken) this.#places[place] = kept(added, fingerprint)
  }
}

const placeOf = (fingerprint: number): number => fingerprint & (PLACES - 1)

/** Copied to memory of its own, as it may be kept for long. */
function kept({ head, resource }: KnownHead, fingerprint: number): FingerprintedHead {
  const octets = Buffer.allocUnsafeSlow(head.length)
  head.octets.copy(octets, 0, 0, head.length)
  head.moveTo(octets)
  return { fingerprint, head, resource, words: new Int32Array(octets.buffer, 0, head.length >> WORD_BITS) }
}

function fingerprintOf(words: Int32Array, length: number): number {
  const end = length >> WORD_BITS
  const first = Math.min(end, FINGERPRINTED.first)
  let fingerprint = length
  for (let at = 0; at < first; at++) fingerprint = mixed(fingerprint, words[at])
  for (let at = Math.max(first, end - FINGERPRINTED.last); at < end; at++) fingerprint = mixed(fingerprint, words[at])
  return fingerprint
}

/** FNV-1a (Fowler, Noll, Vo), a word at a time; the shift makes the upper half of a word affect the lower. */
function mixed(fingerprint: number, word: number = 0): number {
  const product = Math.imul(fingerprint ^ word, 0x01000193)
  return product ^ (product >>> 15)
}

/** Compares from the end, where heads for the same target usually differ. */
function isSame({ head, words }: FingerprintedHead, octets: Buffer, others: Int32Array): boolean {
  for (let at = words.length << WORD_BITS; at < head.length; at++) if (head.octets[at] !== octets[at]) return false
  for (let at = words.length - 1; at >= 0; at--) if (words[at] !== others[at]) return false
  return true
}
