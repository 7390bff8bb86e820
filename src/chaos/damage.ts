import type { Stored } from '../model.ts'
import { type CodecOptions, decode, encode } from '../stores/codec/codec.ts'

/**
 * A stored thing as a store would give it back that damaged one of its octets: through the codec, whose seal finds any
 * damage within one octet, so that nothing is left of it.
 * @param where from 0 to 1, 1 excluded: how far in; its fine digits choose the bits
 */
export function damaged(key: string, stored: Stored, where: number, options: CodecOptions): Stored | undefined {
  const octets = encode(key, stored, options)
  if (octets === undefined) return undefined
  const at = Math.floor(where * octets.length)
  const bits = 1 + (Math.floor(where * 2 ** 32) % 255)
  octets.writeUInt8(octets.readUInt8(at) ^ bits, at)
  return decode(key, octets, options)
}
