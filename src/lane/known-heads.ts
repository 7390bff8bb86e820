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
/** What is longer is read anew. All of them together take up to 256 KiB. */
const MOST_OCTETS = 1_024
/** The mark is made of 16 octets, evenly spread. */
const MARKED_BITS = 4

/** Others that come to a place before it is given to one of them: where no two heads are alike, few are kept in vain. */
const PATIENCE = 32

/**
 * Heads that came before, octet by octet the same: a client that asks for the same again says it in the same way, and what
 * was read of it then holds now. Each head has one place.
 */
export class KnownHeads {
  readonly #places: (Known | undefined)[] = Array.from({ length: PLACES }, () => undefined)
  /** Those that came to a place since it was given away. */
  readonly #others = new Uint8Array(PLACES)
  /** Of the one that was looked for last. */
  #mark = 0

  /** The head that these octets are, and nothing else, if it is known. */
  get(octets: Buffer, length: number): Asked | undefined {
    if (length > MOST_OCTETS) return undefined
    this.#mark = markOf(octets, length)
    const known = this.#places[this.#mark & (PLACES - 1)]
    if (known === undefined || known.mark !== this.#mark || known.head.length !== length) return undefined
    return isSame(known, octets, length) ? known : undefined
  }

  /** The one looked for last was not known: it is this. */
  add(asked: Asked): void {
    if (asked.head.length > MOST_OCTETS || asked.head.bears) return // credentials are not for keeping
    const place = this.#mark & (PLACES - 1)
    const others = (this.#others[place] ?? 0) + 1
    const isTaken = this.#places[place] !== undefined && others < PATIENCE
    this.#others[place] = isTaken ? others : 0
    if (!isTaken) this.#keep(asked, place)
  }

  #keep({ head, resource }: Asked, place: number): void {
    const octets = Buffer.allocUnsafeSlow(head.length) // it may be kept for long
    head.octets.copy(octets, 0, 0, head.length)
    head.moveTo(octets)
    this.#places[place] = {
      mark: this.#mark,
      head,
      resource,
      words: new Int32Array(octets.buffer, 0, head.length >> WORD_BITS),
    }
  }
}

/** FNV-1a (Fowler, Noll, Vo). */
function markOf(octets: Buffer, length: number): number {
  let mark = length ^ 0x811c9dc5
  for (let n = 1; n <= 1 << MARKED_BITS; n++) {
    mark = Math.imul(mark ^ (octets[(n * (length - 1)) >> MARKED_BITS] ?? 0), 0x01000193)
  }
  return mark
}

function isSame({ head, words }: Known, octets: Buffer, length: number): boolean {
  const others = wordsOf(octets)
  const whole = Math.min(words.length, others.length)
  for (let at = whole - 1; at >= 0; at--) if (words[at] !== others[at]) return false
  for (let at = whole << WORD_BITS; at < length; at++) if (head.octets[at] !== octets[at]) return false
  return true
}
