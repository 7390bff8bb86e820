import { createHmac, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** Shows whether octets are still those that were written. */
export interface Seal {
  readonly bytes: number
  of(octets: Uint8Array): Buffer
}

/** Detects damage, not forgery. */
const CRC32: Seal = {
  bytes: 4,
  of(octets) {
    const sum = Buffer.allocUnsafe(4)
    sum.writeUInt32BE(crc32(octets))
    return sum
  },
}

/** HMAC-SHA256 with a key, so that only its holders can write what is accepted; CRC-32 without one. */
export function sealWith(hmacKey: string | Uint8Array | undefined): Seal {
  if (hmacKey === undefined) return CRC32
  return { bytes: 32, of: (octets) => createHmac('sha256', hmacKey).update(octets).digest() }
}

/** The octets without their seal; undefined when the seal does not match. */
export function unsealed(sealed: Uint8Array, seal: Seal): Uint8Array | undefined {
  const end = sealed.length - seal.bytes
  if (end < 0) return undefined
  const octets = sealed.subarray(0, end)
  return timingSafeEqual(seal.of(octets), sealed.subarray(end)) ? octets : undefined
}
