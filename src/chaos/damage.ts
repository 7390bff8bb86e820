import type { Stored } from '../model.ts'
import { type CodecOptions, decode, encode } from '../stores/codec/codec.ts'

/**
 * What a store that has damaged one octet of an entry would return. The entry passes through the codec, whose seal
 * detects any damage within one octet and discards the entry.
 * @param where from 0 to 1, 1 excluded: the position of the octet; its low digits choose the bits
 */
export function damaged(key: string, stored: Stored, where: number, options: CodecOptions): Stored | undefined {
  const octets = encode(key, stored, options)
  if (octets === undefined) return undefined
  const at = Math.floor(where * octets.length)
  const bits = 1 + (Math.floor(where * 2 ** 32) % 255)
  octets.writeUInt8(octets.readUInt8(at) ^ bits, at)
  return decode(key, octets, options)
}
