/**
 * Stored things as octets, for stores outside this process: a fixed layout (layout.ts), nothing in which is executed,
 * with a seal at the end.
 */
import type { Stored } from '../../model.ts'
import { MAGIC, readStored, writeStored } from './layout.ts'
import { OctetReader, OctetWriter } from './octets.ts'
import { sealWith, unsealed } from './seal.ts'
import { isSound } from './sound.ts'

export interface CodecOptions {
  /**
   * Whoever lacks it can neither forge an entry nor pass off one key's entry as another's. Only the invalidation log
   * tells an older entry of the same key from a newer one.
   */
  readonly hmacKey?: string | Uint8Array | undefined
  /** Added to times of this process's clock to get the machine's, which others read; in ms (`correctionOf`). */
  readonly correction?: number | undefined
}

/** Enough for most heads. */
const HEAD_OCTETS = 2048

/**
 * The octets of a stored thing; undefined when it could not be restored unchanged: its body is incomplete, its value is
 * not plain data, or a text is not well-formed Unicode.
 */
export function encode(key: string, stored: Stored, { hmacKey, correction }: CodecOptions = {}): Buffer | undefined {
  const expected = HEAD_OCTETS + (stored.kind === 'response' ? (stored.body.bytes?.length ?? 0) : 0)
  const writer = new OctetWriter(expected, correction)
  if (!isSound(stored) || !writeStored(writer, key, stored)) return undefined
  writer.raw(sealWith(hmacKey).of(writer.written))
  return writer.written
}

/** Restores what `encode` made for this key; undefined for anything else. Keeps no reference to the octets. */
export function decode(
  key: string,
  octets: Uint8Array,
  { hmacKey, correction }: CodecOptions = {},
): Stored | undefined {
  if (!MAGIC.equals(octets.subarray(0, MAGIC.length))) return undefined // foreign octets cost no checksum
  const content = unsealed(octets, sealWith(hmacKey))
  const stored = content && readStored(new OctetReader(content, correction), key)
  return stored !== undefined && isSound(stored) ? stored : undefined
}
