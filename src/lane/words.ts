/** Octets four at a time, for loops that most octets of a request go through. */
import { endianness } from 'node:os'

/** A word has 4 octets: a position shifted by this is a word's. */
export const WORD_BITS = 2
/** These bits of a position are where in its word it is. */
const IN_WORD = 3

/** In this order the first octet is a word's lowest. */
const IS_LITTLE_ENDIAN = endianness() === 'LE'

const NONE: Int32Array = new Int32Array()
let viewed: Buffer | undefined
let view = NONE

/**
 * The same memory in words. Nearly always it is the one buffer that sockets read into.
 * @returns no words, if the memory does not begin where one may, or the machine has its octets the other way round
 */
export function wordsOf(octets: Buffer): Int32Array {
  if (octets !== viewed) {
    const { buffer, byteOffset, length } = octets
    view =
      IS_LITTLE_ENDIAN && (byteOffset & IN_WORD) === 0 ? new Int32Array(buffer, byteOffset, length >> WORD_BITS) : NONE
    viewed = octets
  }
  return view
}

/**
 * Marks the octets of a word that are neither visible ASCII nor a space, in their highest bits: the first of them, and
 * whatever those behind it seem to be then. 0: there are none.
 */
export const marksIn = (word: number): number => ((word - 0x20202020) | (word + 0x01010101) | word) & 0x80808080

/** Where in its word the first octet that is marked stands. */
export const firstOf = (marks: number): number => (31 - Math.clz32(marks & -marks)) >> 3
