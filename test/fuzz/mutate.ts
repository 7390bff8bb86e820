/** Creates new inputs from existing ones. Each character of an input stands for an octet. */
import type { Random } from './random.ts'

export interface Material {
  /** Tokens with a meaning for the parser. */
  readonly dictionary: readonly string[]
  readonly maxLength: number
  /** Returns another input of the corpus. */
  readonly other: () => string
}

type Mutation = (input: string, random: Random, material: Material) => string

/** Ordinary mutations make inputs no longer than this; `blowUp` makes larger ones. */
const ORDINARY_LENGTH = 1024
const ONE_BLOW_UP_IN = 200

export function mutate(input: string, random: Random, material: Material): string {
  if (random.oneIn(ONE_BLOW_UP_IN)) return blowUp(input, random, material)
  let mutated = input
  for (let count = 1 + random.upTo(6); count > 0; count--) {
    mutated = random.pick(MUTATIONS)(mutated, random, material)
  }
  return mutated.slice(0, Math.min(ORDINARY_LENGTH, material.maxLength))
}

/**
 * A piece repeated up to the maximum length, possibly numbered, between the input's beginning and some end: such inputs
 * expose quadratic time.
 */
function blowUp(input: string, random: Random, { dictionary, maxLength }: Material): string {
  const piece = random.oneIn(2) ? slice(input, random) : Array.from({ length: 1 + random.below(3) }, token).join('')
  const unit = piece === '' ? String.fromCharCode(random.below(256)) : piece
  const length = 64 + random.upTo(maxLength)
  const numbered = random.oneIn(4)
  const count = Math.ceil(length / (unit.length + (numbered ? 4 : 0)))
  const middle = numbered ? Array.from({ length: count }, (_, at) => `${unit}${at}`).join('') : unit.repeat(count)
  const at = random.below(input.length + 1)
  return (input.slice(0, at) + middle + (random.oneIn(2) ? input.slice(at) : token())).slice(0, maxLength)

  function token(): string {
    return random.pick(dictionary) ?? ''
  }
}

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  function flipBit(input, random) {
    const at = random.below(input.length)
    return replaced(input, at, at + 1, String.fromCharCode(input.charCodeAt(at) ^ (1 << random.below(8))))
  },
  function setCharacter(input, random) {
    const at = random.below(input.length)
    return replaced(input, at, at + 1, random.pick(CHARACTERS) ?? '')
  },
  function insertCharacter(input, random) {
    const at = random.below(input.length + 1)
    return replaced(input, at, at, random.oneIn(2) ? (random.pick(CHARACTERS) ?? '') : octet(random))
  },
  function remove(input, random) {
    const at = random.below(input.length + 1)
    return replaced(input, at, at + 1 + random.upTo(16), '')
  },
  function repeatPiece(input, random) {
    const at = random.below(input.length + 1)
    return replaced(input, at, at, slice(input, random).repeat(1 + random.upTo(8)))
  },
  function insertToken(input, random, { dictionary }) {
    const at = random.below(input.length + 1)
    return replaced(input, at, at, random.pick(dictionary) ?? '')
  },
  function replaceWithToken(input, random, { dictionary }) {
    const at = random.below(input.length + 1)
    return replaced(input, at, at + random.upTo(16), random.pick(dictionary) ?? '')
  },
  function appendToken(input, random, { dictionary }) {
    return `${input}${random.pick([', ', ',', '\n', ';', ' ', '&', '='])}${random.pick(dictionary) ?? ''}`
  },
  function splice(input, random, { other }) {
    const donor = other()
    return input.slice(0, random.below(input.length + 1)) + donor.slice(random.below(donor.length + 1))
  },
  function setNumber(input, random) {
    const numbers = [...input.matchAll(/\d+/g)]
    const number = random.pick(numbers)
    if (number === undefined) return input
    return replaced(input, number.index, number.index + number[0].length, random.pick(NUMBERS))
  },
  function joinMembers(input, random, { other }) {
    const separator = random.pick(['\n', '\n', ',', ';', '&', '/', ' ', '\n\n'])
    const members = input.split(separator)
    const at = random.below(members.length)
    switch (random.below(4)) {
      case 0:
        members.splice(at, 0, random.pick(other().split(separator)) ?? '')
        break
      case 1:
        members.splice(at, 1)
        break
      case 2:
        members.splice(at, 0, members[random.below(members.length)] ?? '')
        break
      default:
        members.push(...members.splice(at, 1))
    }
    return members.join(separator)
  },
  function changeCase(input, random) {
    const at = random.below(input.length)
    const end = at + 1 + random.upTo(16)
    const piece = input.slice(at, end)
    return replaced(input, at, end, piece === piece.toLowerCase() ? upperCase(piece) : piece.toLowerCase())
  },
]

/** Characters with a meaning in some grammar. */
const CHARACTERS = '\t\n\r\0 !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~09azAZ\x7f\x80\x85\xa0\xff'.split('')

const NUMBERS = [
  '0',
  '1',
  '-1',
  '00',
  '60',
  '99',
  '2147483647',
  '2147483648',
  '4294967296',
  '9007199254740993',
  '18446744073709551616',
  '9'.repeat(400),
  '1.5',
  '1e3',
] as const

const octet = (random: Random): string => String.fromCharCode(random.below(256))

/** ASCII only, as the upper case of other letters may not be an octet. */
const upperCase = (text: string): string => text.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase())

function slice(input: string, random: Random): string {
  const at = random.below(input.length)
  return input.slice(at, at + 1 + random.upTo(16))
}

const replaced = (input: string, from: number, to: number, by: string): string =>
  input.slice(0, from) + by + input.slice(to)
