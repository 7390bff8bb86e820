/** Classifies and compares the octets of a head. */
import { firstOf, marksIn, WORD_BITS } from './words.ts'

export const [CR, LF, SPACE, COLON, SLASH] = [13, 10, 32, 58, 47]
const DELETE = 127

/** Bits for what an octet may be part of. */
export const [CAPITAL, LETTER, NAME, TARGET] = [1, 2, 4, 8]

const KINDS = Uint8Array.from({ length: 256 }, (_, octet) => {
  const letter = String.fromCharCode(octet)
  return (
    (/[A-Z]/.test(letter) ? CAPITAL : 0) |
    (/[A-Za-z]/.test(letter) ? LETTER : 0) |
    (/[A-Za-z0-9-]/.test(letter) ? NAME : 0) |
    (/[\x21\x22\x24-\x7e]/.test(letter) ? TARGET : 0)
  )
})

/** Visible ASCII, and spaces. */
const isText = (octet: number = 0): boolean => octet >= SPACE && octet < DELETE

export const is = (kind: number, octet: number = 0): boolean => ((KINDS[octet] ?? 0) & kind) !== 0

/** The position after a run of octets of one kind. */
export function endOf(kind: number, octets: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && is(kind, octets[at])) at++
  return at
}

/**
 * The position after a run of visible ASCII and spaces; by whole words, as values make up most of a head. The octets
 * before `from` in its word have to be text too.
 */
export function endOfText(octets: Buffer, words: Int32Array, from: number, end: number): number {
  for (let word = from >> WORD_BITS; word < words.length; word++) {
    const marks = marksIn(words[word] ?? 0)
    if (marks !== 0) return (word << WORD_BITS) + firstOf(marks)
  }
  let at = Math.max(from, words.length << WORD_BITS)
  while (at < end && isText(octets[at])) at++
  return at
}

/** FNV-1a (Fowler, Noll, Vo). */
export function hashed(octets: Buffer, from: number, to: number, before: number): number {
  let hash = before ^ 0x811c9dc5
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (octets[at] ?? 0), 0x01000193)
  return hash
}

export function isAt(octets: Buffer, from: number, wanted: Buffer): boolean {
  if (octets.length < from + wanted.length) return false
  for (let at = 0; at < wanted.length; at++) if (octets[from + at] !== wanted[at]) return false
  return true
}

/** Ignores case by setting bit 5, which makes no other octet of a name or a value equal to a letter or "-". */
export function equalsIgnoringCase(octets: Buffer, from: number, name: Buffer): boolean {
  for (let at = 0; at < name.length; at++) if (((octets[from + at] ?? 0) | 0x20) !== name[at]) return false
  return true
}
