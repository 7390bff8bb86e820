/** Numbers and texts as octets, one after the other; big-endian. */
import { isUtf8 } from 'node:buffer'

/** The longest list a stored thing may have. */
const MAX_MEMBERS = 10_000

/** A buffer that grows as it is written. */
export class OctetWriter {
  #octets: Buffer
  readonly #correction: number
  #length = 0
  #sound = true

  /**
   * @param expected about how many octets will be written; whenever there are more, everything is copied
   * @param correction added to times of this process's clock to get the machine's, in ms
   */
  constructor(expected: number = 1024, correction: number = 0) {
    this.#octets = Buffer.allocUnsafe(expected)
    this.#correction = correction
  }

  /** Whether everything so far could be written unchanged. */
  get sound(): boolean {
    return this.#sound
  }

  /** What was written so far; valid until the next write. */
  get written(): Buffer {
    return this.#octets.subarray(0, this.#length)
  }

  octet(value: number): void {
    const at = this.#reserve(1)
    this.#octets.writeUInt8(value, at)
  }

  /** A count: an integer below 2^32. */
  count(value: number): void {
    const at = this.#reserve(4)
    this.#octets.writeUInt32BE(value, at)
  }

  /** Infinity included; -0 becomes 0. */
  number(value: number): void {
    const at = this.#reserve(8)
    this.#octets.writeDoubleBE(value + 0, at)
  }

  time(ms: number): void {
    this.number(ms + this.#correction)
  }

  flag(value: boolean): void {
    this.octet(value ? 1 : 0)
  }

  /** In UTF-8, which cannot express a lone surrogate: a text with one leaves the writer no longer `sound`. */
  text(value: string): void {
    this.#sound &&= value.isWellFormed()
    this.bytes(Buffer.from(value, 'utf8'))
  }

  texts(values: readonly string[]): void {
    this.#sound &&= values.length <= MAX_MEMBERS
    this.count(values.length)
    for (const value of values) this.text(value)
  }

  bytes(value: Uint8Array): void {
    this.count(value.length)
    this.raw(value)
  }

  /** Without its length in front. */
  raw(value: Uint8Array): void {
    const at = this.#reserve(value.length)
    this.#octets.set(value, at)
  }

  optional<T>(value: T | undefined, write: (value: T) => void): void {
    this.flag(value !== undefined)
    if (value !== undefined) write(value)
  }

  #reserve(length: number): number {
    const at = this.#length
    this.#length += length
    if (this.#length > this.#octets.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#octets.length * 2))
      larger.set(this.#octets.subarray(0, at))
      this.#octets = larger
    }
    return at
  }
}

/**
 * Reads what an OctetWriter wrote, and tolerates anything else: past the end, or at something that no writer produces,
 * it is no longer `sound`, and everything read from then on is empty.
 */
export class OctetReader {
  readonly #octets: Buffer
  readonly #correction: number
  #at = 0
  #sound = true

  /** @param correction subtracted from times of the machine's clock to get this process's, in ms */
  constructor(octets: Uint8Array, correction: number = 0) {
    this.#octets = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
    this.#correction = correction
  }

  get sound(): boolean {
    return this.#sound
  }

  get ended(): boolean {
    return this.#at === this.#octets.length
  }

  octet(): number {
    const at = this.#take(1)
    return at === undefined ? 0 : this.#octets.readUInt8(at)
  }

  count(): number {
    const at = this.#take(4)
    return at === undefined ? 0 : this.#octets.readUInt32BE(at)
  }

  number(): number {
    const at = this.#take(8)
    const value = at === undefined ? 0 : this.#octets.readDoubleBE(at)
    this.must(!Object.is(value, -0))
    return value
  }

  time(): number {
    return this.number() - this.#correction
  }

  flag(): boolean {
    const value = this.octet()
    this.must(value <= 1)
    return value === 1
  }

  text(): string {
    const bytes = this.bytes()
    this.must(isUtf8(bytes))
    return bytes.toString('utf8')
  }

  texts(): readonly string[] {
    const count = this.length(4)
    if (count === 0) return NO_TEXTS
    const values: string[] = []
    for (let n = 0; n < count && this.#sound; n++) values.push(this.text())
    return values
  }

  /** The number of members that follow, each of at least `leastOctets` octets. */
  length(leastOctets: number): number {
    const count = this.count()
    this.must(count <= MAX_MEMBERS && count * leastOctets <= this.#octets.length - this.#at)
    return this.#sound ? count : 0
  }

  /** A view of the octets being read, not a copy. */
  bytes(): Buffer {
    return this.raw(this.count())
  }

  /** A view of the next `length` octets. */
  raw(length: number): Buffer {
    const at = this.#take(length)
    return at === undefined ? NOTHING : this.#octets.subarray(at, at + length)
  }

  optional<T>(read: () => T): T | undefined {
    return this.flag() ? read() : undefined
  }

  /** Unless this holds, the reader is no longer `sound`. */
  must(holds: boolean): void {
    this.#sound &&= holds
  }

  #take(length: number): number | undefined {
    this.must(length <= this.#octets.length - this.#at)
    if (!this.#sound) return undefined
    const at = this.#at
    this.#at += length
    return at
  }
}

const NOTHING = Buffer.alloc(0)
/** Shared by all empty lists: most stored things have no tags. */
const NO_TEXTS: readonly string[] = []
