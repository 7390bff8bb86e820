const BYTES = 2 ** 17

/** A set of addresses in 128 KiB, whatever their number; some of them share a bit. */
export class AddressBits {
  readonly #bits = new Uint8Array(BYTES)

  add(address: Buffer): void {
    const { index, bit } = placeOf(address)
    this.#bits[index] = (this.#bits[index] ?? 0) | bit
  }

  /** Whether it is in the set; from now on it is not. */
  take(address: Buffer): boolean {
    const { index, bit } = placeOf(address)
    const held = this.#bits[index] ?? 0
    this.#bits[index] = held & ~bit
    return (held & bit) !== 0
  }
}

function placeOf(address: Buffer): { readonly index: number; readonly bit: number } {
  const at = address.readUInt32LE(0)
  return { index: (at >>> 3) % BYTES, bit: 1 << (at & 7) }
}
