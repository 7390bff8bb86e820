/*
 * Bytes of heap and buffers behind each part, measured on V8 14 (64-bit, pointer compression off) by
 * `npm run bench -- memory`: what counts is that the sum is right, not each summand.
 */
export const STRING = 24
export const BUFFER = 280
export const SLOT = 8
/** Per name in a dictionary, in addition to its characters; a name that is an index is not a string. */
const NAME = 80
const INDEX = 40

/** Up to this many parts of a value are measured one by one; a larger value is sampled and extrapolated. */
const MAX_PARTS = 10_000
/** For a value that throws when it is inspected, in addition to those of its members that do not. */
const UNREADABLE = 1_024
/** How many members of such a value are inspected. */
const MAX_READABLE = 1_000
/** Up to this many members, a sample takes them all. */
const FEW_MEMBERS = 16

/**
 * An estimate of the memory a JavaScript value holds, in bytes. Inspects a bounded number of parts, follows each object
 * once, and counts buffers in full. Of a value that throws when it is inspected (a getter, a proxy), the members that
 * do not are counted.
 */
export function estimateBytes(value: unknown): number {
  if (!hasMembers(value)) return ownBytes(value)
  try {
    return wholeBytes(value)
  } catch {
    return UNREADABLE + readableBytes(value)
  }
}

const wholeBytes = (value: object): number => flatBytes(value) ?? deepBytes(value)

/** The sum of the members that can be read. */
function readableBytes(value: object): number {
  let sum = 0
  for (const name of readable(() => Object.keys(value).slice(0, MAX_READABLE)) ?? []) {
    sum += readable(() => memberBytes(value[name as keyof typeof value])) ?? 0
  }
  return sum
}

const memberBytes = (member: unknown): number => (hasMembers(member) ? wholeBytes(member) : ownBytes(member))

function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** The size of an object whose members have no members of their own, as with most values; undefined for any other. */
function flatBytes(value: object): number | undefined {
  const isPlain = Object.getPrototypeOf(value) === Object.prototype // then all enumerable names are its own
  if (!isPlain && isCollection(value)) return undefined
  let sum = ownBytes(value)
  let parts = 1
  for (const name in value) {
    if (!isPlain && !hasOwn(value, name)) continue
    const member = value[name as keyof typeof value]
    if (hasMembers(member) || ++parts > MAX_PARTS) return undefined
    sum += ownBytes(member)
  }
  return sum + namesBytes(value, parts - 1)
}

function deepBytes(value: object): number {
  let seen: Set<object> | undefined // not counting the value itself; most have no objects in them
  const open: unknown[] = [value]
  let sum = 0
  let parts = 0
  let isExact = true
  while (open.length > 0 && isExact) {
    const part = open.pop()
    parts++
    sum += ownBytes(part)
    if (!hasMembers(part)) continue
    if (parts > 1) {
      if (part === value || seen?.has(part)) continue
      seen = (seen ?? new Set()).add(part)
    }
    const before = open.length
    isExact = parts < MAX_PARTS && pushMembers(part, open)
    if (isExact) sum += namesBytes(part, open.length - before)
  }
  return isExact ? sum : Math.ceil(Math.max(sum, sampledBytes(value, MAX_PARTS, new Set())))
}

/**
 * Extrapolates from some members of a large collection to all of them.
 * @param budget how many of its parts may be inspected
 */
function sampledBytes(part: unknown, budget: number, seen: Set<object>): number {
  const own = ownBytes(part)
  if (budget < 1 || !hasMembers(part) || seen.has(part)) return own
  seen.add(part)
  const { members, namesBytes: names = 0, share } = sampleMembers(part, budget)
  if (members.length === 0) return own
  const budgetEach = budget / (members.length + 1)
  return own + members.reduce<number>((sum, member) => sum + sampledBytes(member, budgetEach, seen), names) / share
}

interface MemberSample {
  readonly members: readonly unknown[]
  /** Bytes of their names. */
  readonly namesBytes?: number
  /** The share of all members that these are. */
  readonly share: number
}

function sampleMembers(part: object, budget: number): MemberSample {
  const some = (count: number) => (count <= FEW_MEMBERS ? count : Math.min(count, Math.ceil(Math.sqrt(budget))))
  if (Array.isArray(part)) {
    const count = some(part.length)
    const members = Array.from({ length: count }, (_, at): unknown => part[Math.floor((at * part.length) / count)])
    return { members, share: count / part.length }
  }
  if (part instanceof Map || part instanceof Set) {
    const count = some(part.size)
    const members = [...part.entries().take(count)].flatMap(([key, value]) =>
      part instanceof Map ? [key, value] : [key],
    )
    return { members, share: count / part.size }
  }
  const names = Object.keys(part)
  const sampled = names.slice(0, some(names.length))
  const members = sampled.map((name) => part[name as keyof typeof part])
  const bytes = sampled.reduce((sum, name) => sum + nameBytes(name, names.length), 0)
  return { members, namesBytes: bytes, share: sampled.length / names.length }
}

/** Bytes of the names of an object's members: 0 where all objects of its kind share them, as V8 keeps those once. */
function namesBytes(part: object, count: number): number {
  if (count <= MAX_FIELDS.certain || isCollection(part)) return 0
  let sum = 0
  for (const name in part) if (hasOwn(part, name)) sum += nameBytes(name, count)
  return sum
}

/**
 * Up to `certain` members an object is a record, beyond `possible` a dictionary. In between, names with two digits in a
 * row are taken for identifiers, so for keys of a dictionary.
 */
const MAX_FIELDS = { certain: 16, possible: 128 }
const NUMBERED = /\d\d/
const NUMBER = /^\d{1,10}$/

/** @param count how many members the object has */
function nameBytes(name: string, count: number): number {
  if (count <= MAX_FIELDS.certain || (count <= MAX_FIELDS.possible && !NUMBERED.test(name))) return 0
  if (NUMBER.test(name)) return Number(name) < 2 * count ? 0 : INDEX // small indices are kept in an array
  return NAME + name.length
}

const hasMembers = (part: unknown): part is object =>
  typeof part === 'object' && part !== null && !ArrayBuffer.isView(part)

function ownBytes(part: unknown): number {
  if (typeof part === 'string') return STRING + (isWide(part) ? 2 : 1) * part.length
  if (typeof part === 'bigint') return STRING
  if (typeof part !== 'object' || part === null) return SLOT
  if (ArrayBuffer.isView(part) || part instanceof ArrayBuffer || part instanceof SharedArrayBuffer) {
    return BUFFER + part.byteLength
  }
  return 56
}

const WIDE = /[\u0100-\uffff]/
/** Of a shorter text only three characters are checked. */
const LONG_TEXT = 64

/** V8 keeps a text at two bytes per character as soon as one of them is beyond ISO-8859-1. */
function isWide(part: string): boolean {
  const { length } = part
  if (length >= LONG_TEXT) return WIDE.test(part)
  return part.charCodeAt(0) > 0xff || part.charCodeAt(length >> 1) > 0xff || part.charCodeAt(length - 1) > 0xff
}

/** @returns whether there was room for all of them */
function pushMembers(part: object, open: unknown[]): boolean {
  if (part instanceof Map) {
    for (const [key, value] of part) if (!pushed(open, key) || !pushed(open, value)) return false
  } else if (part instanceof Set || Array.isArray(part)) {
    for (const member of part) if (!pushed(open, member)) return false
  } else {
    // Object.values would build a list of them first.
    for (const name in part) if (hasOwn(part, name) && !pushed(open, part[name as keyof typeof part])) return false
  }
  return true
}

const isCollection = (part: object): boolean => part instanceof Map || part instanceof Set || Array.isArray(part)

/** Object.hasOwn takes twice as long: V8 optimises only this call in a loop over names. */
const hasOwn = (part: object, name: string): boolean => Object.prototype.hasOwnProperty.call(part, name)

/** Whether there was room for it. */
function pushed(open: unknown[], member: unknown): boolean {
  if (open.length >= MAX_PARTS) return false
  open.push(member)
  return true
}
