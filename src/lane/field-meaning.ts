import { REUSE_FIELDS } from '../policy/reuse-fields.ts'
import { equalsIgnoringCase } from './octets.ts'

/** What a field means to the lane's reader. */
export type Meaning =
  | 'host'
  | 'connection'
  | 'content-length'
  | 'range'
  | 'if-none-match'
  | 'if-modified-since'
  | 'x-forwarded-host'
  | 'x-forwarded-proto'
  | 'affects-reuse'
  | 'not-plain'

/** Fields that only node:http deals with: a head that has one is not plain. */
const NOT_PLAIN = [
  'expect',
  'http2-settings',
  'keep-alive',
  'max-forwards',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
const OWN = [
  'host',
  'connection',
  'content-length',
  'range',
  'if-none-match',
  'if-modified-since',
  'x-forwarded-host',
  'x-forwarded-proto',
] as const

const MEANINGS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ...[...REUSE_FIELDS].map((name) => [name, 'affects-reuse'] as const),
  ...NOT_PLAIN.map((name) => [name, 'not-plain'] as const),
  ...OWN.map((name) => [name, name] as const),
])
const LETTERS = 32
const LONGEST_NAME = Math.max(...[...MEANINGS.keys()].map(({ length }) => length))

/** By length of the name and low bits of its first letter: nearly all other names find nothing to compare with. */
const BY_LENGTH_AND_LETTER = Array.from({ length: (LONGEST_NAME + 1) * LETTERS }, (_, place) =>
  [...MEANINGS]
    .map(([name, meaning]) => ({ name: Buffer.from(name), meaning }))
    .filter(({ name }) => placeOf(name.length, name[0]) === place),
)

/** The meaning of the field whose name is there; undefined if it has none for this reader. */
export function meaningOf(octets: Buffer, from: number, to: number): Meaning | undefined {
  if (to - from > LONGEST_NAME) return undefined
  const candidates = BY_LENGTH_AND_LETTER[placeOf(to - from, octets[from])] ?? []
  for (let at = 0; at < candidates.length; at++) {
    const candidate = candidates[at]
    if (candidate !== undefined && equalsIgnoringCase(octets, from, candidate.name)) return candidate.meaning
  }
  return undefined
}

function placeOf(length: number, first: number = 0): number {
  return length * LETTERS + (first & (LETTERS - 1))
}
