import type { PlainHead } from './plain-head.ts'
import type { Resource } from './resources.ts'
import { WORD_BITS, wordsOf } from './words.ts'

/** A head that is all there is of its request, and what it asks for. */
export interface Asked {
  readonly head: PlainHead
  readonly resource: Resource
}

/** What its octets are told by before they are compared, and with what. */
interface Known extends Asked {
  readonly mark: number
  readonly words: Int32Array
}

const PLACES = 256
/** What is longer is read anew. The octets of all of them together are up to 256 KiB. */
const MOST_OCTETS = 1_024
/** Words that make the mark: of the beginning, where the target is and mostly Host, and of the end. */
const MARKED = { first: 16, last: 4 }

/** Others that come to a place in a row before it is given to one of them: where no two heads are alike, few are kept in vain. */
const PATIENCE = 32

/**
 * Heads that came before, octet by octet the same: a client that asks for the same again says it in the same way, and what
 * was read of it then holds now. Each head has one place.
 */
export class KnownHeads {
  readonly #places: (Known | undefined)[] = Array.from({ length: PLACES }, () => undefined)
  /** Those that came to a place since the one that has it. */
  readonly #others = new Uint8Array(PLACES)
  /** Of the one that was looked for last; undefined: such are not kept. */
  #mark: number | undefined

  /** The head that these octets are, and nothing else, if it is known. */
  get(octets: Buffer, length: number): Asked | undefined {
    const words = wordsOf(octets)
    const mark = length > MOST_OCTETS || words.length === 0 ? undefined : markOf(words, length)
    this.#mark = mark
    if (mark === undefined) return undefined
    const known = this.#places[placeOf(mark)]
    if (known === undefined || known.mark !== mark || known.head.length !== length) return undefined
    if (!isSame(known, octets, words)) return undefined
    this.#others[placeOf(mark)] = 0
    return known
  }

  /** The one looked for last was not known: it is this. */
  add(asked: Asked): void {
    const mark = this.#mark
    if (mark === undefined || asked.head.bears) return // credentials and cookies are not for keeping
    const place = placeOf(mark)
    const others = (this.#others[place] ?? 0) + 1
    const isTaken = this.#places[place] !== undefined && others < PATIENCE
    this.#others[place] = isTaken ? others : 0
    if (!isTaken) this.#places[place] = kept(asked, mark)
  }
}

const placeOf = (mark: number): number => mark & (PLACES - 1)

/** In memory of its own: it may be kept for long. */
function kept({ head, resource }: Asked, mark: number): Known {
  const octets = Buffer.allocUnsafeSlow(head.length)
  head.octets.copy(octets, 0, 0, head.length)
  head.moveTo(octets)
  return { mark, head, resource, words: new Int32Array(octets.buffer, 0, head.length >> WORD_BITS) }
}

function markOf(words: Int32Array, length: number): number {
  const end = length >> WORD_BITS
  const first = Math.min(end, MARKED.first)
  let mark = length
  for (let at = 0; at < first; at++) mark = mixed(mark, words[at])
  for (let at = Math.max(first, end - MARKED.last); at < end; at++) mark = mixed(mark, words[at])
  return mark
}

/** FNV-1a (Fowler, Noll, Vo), a word at a time; what the upper half of a word says has to reach the lower. */
function mixed(mark: number, word: number = 0): number {
  const product = Math.imul(mark ^ word, 0x01000193)
  return product ^ (product >>> 15)
}

/** From the end: what differs is mostly there, after a target that is the same. */
function isSame({ head, words }: Known, octets: Buffer, others: Int32Array): boolean {
  for (let at = words.length << WORD_BITS; at < head.length; at++) if (head.octets[at] !== octets[at]) return false
  for (let at = words.length - 1; at >= 0; at--) if (words[at] !== others[at]) return false
  return true
}
