/** What stands in a head, octet by octet. */
import { firstOf, marksIn, WORD_BITS } from './words.ts'

export const [CR, LF, SPACE, COLON, SLASH] = [13, 10, 32, 58, 47]
const DELETE = 127

/** What an octet may be part of. */
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

/** Behind those of a kind that stand there. */
export function endOf(kind: number, octets: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && is(kind, octets[at])) at++
  return at
}

/** Behind visible ASCII and spaces, of which there are some before as well: most of a head is in values. */
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

/** Without regard to case: of what may stand in a name or a value here, bit 5 tells only that of a letter, and nothing of "-". */
export function isNamed(octets: Buffer, from: number, name: Buffer): boolean {
  for (let at = 0; at < name.length; at++) if (((octets[from + at] ?? 0) | 0x20) !== name[at]) return false
  return true
}
