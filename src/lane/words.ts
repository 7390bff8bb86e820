/** Reads octets four at a time, in the loops that go through most octets of a request. */
import { endianness } from 'node:os'

/** A word has 4 octets: an octet's position shifted right by this is its word's. */
export const WORD_BITS = 2
/** Mask for the position of an octet in its word. */
const IN_WORD = 3

/** The first octet of a word is then its lowest. */
const IS_LITTLE_ENDIAN = endianness() === 'LE'

const NONE: Int32Array = new Int32Array()
let viewed: Buffer | undefined
let view = NONE

/**
 * The same memory as words. The last view is kept: nearly always it is of the one buffer that sockets read into.
 * @returns no words if the memory is not aligned to them, or the machine is big-endian
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
 * Marks the octets of a word that are neither visible ASCII nor a space, in their highest bits; 0 if there are none.
 * Only the first mark is reliable.
 */
export const marksIn = (word: number): number => ((word - 0x20202020) | (word + 0x01010101) | word) & 0x80808080

/** Position in its word of the first octet that is marked. */
export const firstOf = (marks: number): number => (31 - Math.clz32(marks & -marks)) >> 3
