/**
 * The invalidation log in a disk file. `state`: its position, its identity, its floor, and the birth of the file.
 * `records`: the latest ones by position, for processes that follow. `targets`: the newest record per target, for
 * processes that start.
 */
import type { InvalidationMode } from '../../model.ts'
import { addressOf } from './address.ts'
import type { DiskFile, Tables } from './file.ts'
import { numbersIn, octetsOf } from './numbers.ts'
import { later, type Mark, Marks, marked } from '../log/marks.ts'

export interface LogRecord {
  readonly position: number
  readonly mode: InvalidationMode
  readonly targets: readonly string[]
}

const BIRTH = Buffer.from('log birth')
const HEAD = Buffer.from('log head')
const GENERATION = Buffer.from('log generation')
const FLOOR = Buffer.from('log floor')

/** A process that is further behind loads `targets` again. */
const RECORDS_KEPT = 10_000
/** When there are too many targets, this many are looked at, and about this share of them, the oldest, is forgotten. */
const SAMPLE_SIZE = 256
const FORGOTTEN_SHARE = 1 / 32
const NAMED = /^(?:all|(?:tag|url|prefix) .*)$/s
const IDENTITY = /^[0-9a-f-]{36}$/

/**
 * Begins a log where there is none that can be read, and in a copy of a file, which lacks what was purged since it was
 * made: entries with another identity are not trusted.
 * @param birth what tells the file from its copies
 */
export function beginLog(tables: Tables, birth: string): void {
  const isCopy = textOf(tables.state.getBinary(BIRTH)) !== birth
  if (!isCopy && identity(tables) !== undefined && numbersIn(tables.state.getBinaryFast(HEAD), 1) !== undefined) return
  tables.state.putSync(BIRTH, Buffer.from(birth, 'latin1'))
  tables.records.clearSync()
  tables.targets.clearSync()
  tables.state.removeSync(FLOOR)
  tables.state.putSync(HEAD, octetsOf(0))
  tables.state.putSync(GENERATION, Buffer.from(crypto.randomUUID(), 'latin1'))
}

/** @throws when it is not readable: another program has written into the file */
export function generationOf({ tables }: DiskFile): string {
  return identity(tables) ?? unreadable('identity')
}

/** Position of the newest record. @throws when it is not readable */
export function headOf({ tables }: DiskFile): number {
  const [head = -1] = numbersIn(tables.state.getBinaryFast(HEAD), 1) ?? []
  return Number.isSafeInteger(head) && head >= 0 ? head : unreadable('position')
}

/** The records after one position up to another; undefined when not all of them are there. */
export function recordsBetween({ tables }: DiskFile, after: number, upTo: number): LogRecord[] | undefined {
  if (upTo < after || upTo - after > RECORDS_KEPT) return undefined
  const records: LogRecord[] = []
  for (let position = after + 1; position <= upTo; position++) {
    const [mode, ...targets] = textsIn(tables.records.getBinary(octetsOf(position))) ?? []
    if ((mode !== 'purge' && mode !== 'invalidate') || !targets.every((target) => NAMED.test(target))) return undefined
    records.push({ position, mode, targets })
  }
  return records
}

/** Everything the log remembers. What cannot be read may have named anything: then everything older counts as named. */
export function marksIn({ tables }: DiskFile, head: number, maxTargets: number): Marks {
  const marks = new Marks(maxTargets)
  const read = targetsIn(tables)
  const floor = floorOf(tables)
  const isComplete = read.every(({ named }) => named !== undefined)
  marks.raiseFloor((isComplete ? floor : undefined) ?? everythingNamedAt(head))
  for (const { named } of inOrder(read)) if (named !== undefined) marks.put(named.target, named.mark)
  return marks
}

/** To be run in `DiskFile.write`. @returns the record's position */
export function appendRecord(
  file: DiskFile,
  mode: InvalidationMode,
  targets: readonly string[],
  maxTargets: number,
): number {
  const { tables } = file
  const position = headOf(file) + 1
  tables.records.putSync(octetsOf(position), octetsOfTexts([mode, ...targets]))
  tables.records.removeSync(octetsOf(position - RECORDS_KEPT))
  for (const target of targets) {
    const address = addressOf(target)
    const known = tables.targets.getBinary(address)
    const mark = marked(known && targetIn(known)?.mark, mode, position)
    tables.targets.putSync(address, octetsOfTarget(target, mark))
  }
  for (let count = countOf(tables); count > maxTargets; count = countOf(tables)) {
    forgetSome(tables, count, maxTargets, position)
  }
  tables.state.putSync(HEAD, octetsOf(position))
  return position
}

/**
 * Forgets the oldest of some targets: a random sample, as they are in the order of hashes. Looking at all of them would
 * block the process for a quarter of a second.
 * @param count of all targets, which is more than `most`
 */
function forgetSome(tables: Tables, count: number, most: number, head: number): void {
  const seen = someTargets(tables, addressOf(`${head} ${count}`))
  const surplus = count - Math.floor(most * (1 - FORGOTTEN_SHARE))
  const forgotten = inOrder(seen).slice(0, Math.ceil((seen.length * surplus) / count))
  const marks = forgotten.map(({ named }) => named?.mark ?? everythingNamedAt(head))
  const floor = marks.reduce(later, floorOf(tables) ?? everythingNamedAt(head))
  tables.state.putSync(FLOOR, octetsOf(floor.purged, floor.invalidated))
  for (const { address } of forgotten) tables.targets.removeSync(address)
}

/** Those from an address on; near the end, followed by the first ones. */
function someTargets(tables: Tables, from: Buffer): Found[] {
  const last = targetsIn(tables, { start: from, limit: SAMPLE_SIZE })
  return last.length < SAMPLE_SIZE
    ? [...last, ...targetsIn(tables, { end: from, limit: SAMPLE_SIZE - last.length })]
    : last
}

const everythingNamedAt = (head: number): Mark => ({ purged: head, invalidated: head })

interface Found {
  readonly address: Buffer
  /** Undefined when it cannot be read. */
  readonly named: { readonly target: string; readonly mark: Mark } | undefined
}

const countOf = ({ targets }: Tables): number => {
  const { entryCount }: { readonly entryCount?: unknown } = targets.getStats()
  return Number(entryCount)
}

/** All of them, unless a range is given. */
const targetsIn = (tables: Tables, which: { start?: Buffer; end?: Buffer; limit?: number } = {}): Found[] =>
  [...tables.targets.getRange(which)].map(({ key, value }) => ({ address: Buffer.from(key), named: targetIn(value) }))

const inOrder = (targets: readonly Found[]): Found[] =>
  targets.toSorted((one, other) => newestOf(one) - newestOf(other))

const newestOf = ({ named }: Found): number =>
  named === undefined ? 0 : Math.max(named.mark.purged, named.mark.invalidated)

function targetIn(octets: Uint8Array): Found['named'] {
  const [target, purged, invalidated, ...more] = textsIn(octets) ?? []
  const mark = { purged: Number(purged), invalidated: Number(invalidated) }
  if (target === undefined || more.length > 0 || !NAMED.test(target)) return undefined
  return Number.isSafeInteger(mark.purged) && Number.isSafeInteger(mark.invalidated) ? { target, mark } : undefined
}

const octetsOfTarget = (target: string, { purged, invalidated }: Mark): Buffer =>
  octetsOfTexts([target, String(purged), String(invalidated)])

function floorOf(tables: Tables): Mark | undefined {
  const octets = tables.state.getBinaryFast(FLOOR)
  if (octets === undefined) return { purged: 0, invalidated: 0 }
  const [purged, invalidated] = numbersIn(octets, 2) ?? []
  return purged === undefined || invalidated === undefined ? undefined : { purged, invalidated }
}

function identity(tables: Tables): string | undefined {
  const text = textOf(tables.state.getBinary(GENERATION))
  return text !== undefined && IDENTITY.test(text) ? text : undefined
}

const textOf = (octets: Uint8Array | undefined): string | undefined => octets && Buffer.from(octets).toString('latin1')

const octetsOfTexts = (texts: readonly string[]): Buffer => Buffer.from(JSON.stringify(texts))

function textsIn(octets: Uint8Array | undefined): string[] | undefined {
  if (octets === undefined) return undefined
  try {
    const read: unknown = JSON.parse(Buffer.from(octets).toString())
    return Array.isArray(read) && read.every((text) => typeof text === 'string') ? read : undefined
  } catch {
    return undefined
  }
}

function unreadable(what: string): never {
  throw new Error(`the ${what} of the invalidation log is unreadable`)
}
