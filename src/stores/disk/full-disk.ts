/** Tells a full disk from a faulty one: when only part of a write fits, LMDB reports an input/output error. */
import { statfsSync } from 'node:fs'
import { constants } from 'node:os'

const { EIO } = constants.errno
/** With less than this left, a disk is full. */
const FULL_BELOW_BYTES = 2 ** 20

/**
 * What is to be reported of a write that failed.
 * @param spaceLeft bytes that may still be written into the folder
 */
export function writeFailure(cause: unknown, folder: string, spaceLeft = spaceLeftIn): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code !== EIO || spaceLeft(folder) >= FULL_BELOW_BYTES) return cause
  return new Error('no space left on the disk', { cause })
}

function spaceLeftIn(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY // it cannot be told
  }
}
