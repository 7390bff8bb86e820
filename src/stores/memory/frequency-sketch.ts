/**
 * How often keys were asked for lately, in a few octets per key: a count-min sketch with conservative update and ageing
 * (Cormode and Muthukrishnan, 2005; ageing as in TinyLFU: Einziger, Friedman, Manes, 2017). It never underestimates the
 * true count, up to its ceiling.
 */

/** Each key has a counter in every row; the least of them is the answer. */
const ROWS = 4
/** A key's counters lie in one block of 2 ** BLOCK_BITS octets, a line of the processor's cache. */
const BLOCK_BITS = 6
/** Counters of one row in a block. */
const COUNTERS = 2 ** BLOCK_BITS / ROWS
const OCTETS_PER_KEY = 32
/** The highest count. */
export const MAX_COUNTED = 255

/** A longer key is encoded first: reading it character by character would take longer. */
const LONGEST_READ_EACH = 16
/** Keys are encoded in pieces of this many characters. */
const MAX_ENCODED = 1_024
const OCTETS = new Uint8Array(4 * MAX_ENCODED)
const WORDS = new Int32Array(OCTETS.buffer)
const encoder = new TextEncoder()

export class FrequencySketch {
  readonly #seed: number
  #counters = new Uint8Array(2 ** BLOCK_BITS)
  /** The same memory four counters at a time. */
  #words = new Uint32Array(this.#counters.buffer)
  #blocks = 1
  /** A key that was not found is soon looked up again and then stored: it is hashed only once. */
  #lastKey = ''
  #lastHash: number

  /** @param seed keeps strangers from computing keys that collide */
  constructor(seed: number) {
    this.#seed = seed | 0
    this.#lastHash = mixed(this.#seed)
  }

  /** Memory it takes, in bytes. */
  get bytes(): number {
    return this.#counters.length
  }

  /** A 32-bit hash of the whole key: FNV-1a, mixed as in MurmurHash3. */
  hashOf(key: string): number {
    if (key !== this.#lastKey) {
      this.#lastHash = this.#computeHash(key)
      this.#lastKey = key
    }
    return this.#lastHash
  }

  #computeHash(key: string): number {
    return mixed((key.length > LONGEST_READ_EACH ? this.#readEncoded(key) : this.#readEach(key)) ^ key.length)
  }

  #readEach(key: string): number {
    let hash = this.#seed
    for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
    return hash
  }

  /** Four octets at a time. */
  #readEncoded(key: string): number {
    let hash = this.#seed
    for (let rest = key; ; rest = rest.slice(MAX_ENCODED)) {
      const { written } = encoder.encodeInto(rest.length > MAX_ENCODED ? rest.slice(0, MAX_ENCODED) : rest, OCTETS)
      OCTETS[written] = OCTETS[written + 1] = OCTETS[written + 2] = 0
      for (let at = 0; at < written; at += 4) {
        hash = Math.imul(hash ^ (WORDS[at >> 2] ?? 0), 0x01000193)
        hash ^= hash >>> 15
      }
      if (rest.length <= MAX_ENCODED) return hash
    }
  }

  /** Counts one request. Only the least counters are raised, so that keys disturb each other less. */
  add(hash: number): void {
    const counters = this.#counters
    const base = this.#baseOf(hash)
    const spread = mixed(~hash)
    const first = base + (spread & 15)
    const second = base + COUNTERS + ((spread >>> 8) & 15)
    const third = base + 2 * COUNTERS + ((spread >>> 16) & 15)
    const fourth = base + 3 * COUNTERS + ((spread >>> 24) & 15)
    const one = counters[first] ?? 0
    const two = counters[second] ?? 0
    const three = counters[third] ?? 0
    const four = counters[fourth] ?? 0
    const count = Math.min(one, two, three, four)
    if (count === MAX_COUNTED) return
    if (one === count) counters[first] = count + 1
    if (two === count) counters[second] = count + 1
    if (three === count) counters[third] = count + 1
    if (four === count) counters[fourth] = count + 1
  }

  /** How often it was counted, halved with every ageing since. */
  estimate(hash: number): number {
    const counters = this.#counters
    const base = this.#baseOf(hash)
    const spread = mixed(~hash)
    return Math.min(
      counters[base + (spread & 15)] ?? 0,
      counters[base + COUNTERS + ((spread >>> 8) & 15)] ?? 0,
      counters[base + 2 * COUNTERS + ((spread >>> 16) & 15)] ?? 0,
      counters[base + 3 * COUNTERS + ((spread >>> 24) & 15)] ?? 0,
    )
  }

  /** Halves every count, so that what was popular once does not stay so. */
  age(): void {
    halve(this.#words)
  }

  /**
   * Makes it large enough for this many keys. Counts are kept: each block is copied to both of its successors.
   * @returns whether it had to grow
   */
  fit(keys: number): boolean {
    const before = this.bytes
    while (this.bytes < keys * OCTETS_PER_KEY) {
      const doubled = new Uint8Array(2 * this.bytes)
      doubled.set(this.#counters)
      doubled.set(this.#counters, this.bytes)
      this.#counters = doubled
      this.#words = new Uint32Array(doubled.buffer)
      this.#blocks *= 2
    }
    return this.bytes > before
  }

  #baseOf(hash: number): number {
    return (hash & (this.#blocks - 1)) << BLOCK_BITS
  }
}

/** Halves four counters at a time. On its own, so that V8 keeps the code it compiles in the middle of the loop. */
function halve(words: Uint32Array): void {
  for (let at = 0; at < words.length; at++) words[at] = ((words[at] ?? 0) >>> 1) & 0x7f7f7f7f
}

/** Every bit of the result depends on every bit given. */
function mixed(bits: number): number {
  let hash = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
