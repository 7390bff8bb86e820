/** Numbers as octets; those of positive numbers sort in the order of their values. */
export function octetsOf(...numbers: readonly number[]): Buffer {
  const octets = Buffer.alloc(numbers.length * 8)
  for (const [at, number] of numbers.entries()) octets.writeDoubleBE(number, at * 8)
  return octets
}

/** The `count` numbers in these octets; undefined when they are anything else. */
export function numbersIn(octets: Uint8Array | undefined, count: number): number[] | undefined {
  if (octets?.length !== count * 8) return undefined
  const view = new DataView(octets.buffer, octets.byteOffset)
  const numbers = Array.from({ length: count }, (_, at) => view.getFloat64(at * 8))
  return numbers.every((number) => !Number.isNaN(number)) ? numbers : undefined
}
