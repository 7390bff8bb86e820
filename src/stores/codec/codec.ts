/**
 * Stored things as octets, for stores outside of this process: fixed layout (layout.ts), nothing in it is run or
 * interpreted, sealed at its end.
 */
import type { Stored } from '../../model.ts'
import { MAGIC, readStored, writeStored } from './layout.ts'
import { OctetReader, OctetWriter } from './octets.ts'
import { sealWith, unsealed } from './seal.ts'
import { isSound } from './sound.ts'

export interface CodecOptions {
  /**
   * Who does not have it cannot make anything that is decoded, or pass off one key's as another's. An older copy of the
   * same key is told from a newer one by the invalidation log alone.
   */
  readonly hmacKey?: string | Uint8Array | undefined
  /** From times of this process's clock to the machine's, by which others read them; in ms (`correctionOf`). */
  readonly correction?: number | undefined
}

/** What most heads fit into. */
const HEAD_OCTETS = 2048

/**
 * The octets of a stored thing; undefined when it cannot be given back as it is: the body is not complete, the value is
 * not plain data, a text is no Unicode.
 */
export function encode(key: string, stored: Stored, { hmacKey, correction }: CodecOptions = {}): Buffer | undefined {
  const expected = HEAD_OCTETS + (stored.kind === 'response' ? (stored.body.bytes?.length ?? 0) : 0)
  const writer = new OctetWriter(expected, correction)
  if (!isSound(stored) || !writeStored(writer, key, stored)) return undefined
  writer.raw(sealWith(hmacKey).of(writer.written))
  return writer.written
}

/**
 * What `encode` made of something stored at this key; undefined for anything else, whatever it is. Nothing of the given
 * octets is kept.
 */
export function decode(
  key: string,
  octets: Uint8Array,
  { hmacKey, correction }: CodecOptions = {},
): Stored | undefined {
  if (!MAGIC.equals(octets.subarray(0, MAGIC.length))) return undefined // what is not ours costs no sum
  const content = unsealed(octets, sealWith(hmacKey))
  const stored = content && readStored(new OctetReader(content, correction), key)
  return stored !== undefined && isSound(stored) ? stored : undefined
}
