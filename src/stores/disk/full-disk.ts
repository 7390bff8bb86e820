/** Recognises a full disk: when only part of a write fits, LMDB reports an input/output error, as of a faulty one. */
import { statfsSync } from 'node:fs'
import { constants } from 'node:os'

const { EIO } = constants.errno
/** With less than this left, a disk is full. */
const FULL_BELOW_BYTES = 2 ** 20
const NO_SPACE = 'no space left on the disk'

/**
 * What is to be reported of a write that failed.
 * @param spaceLeft bytes that may still be written into the folder
 */
export function writeFailure(cause: unknown, folder: string, spaceLeft = spaceLeftIn): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code !== EIO || spaceLeft(folder) >= FULL_BELOW_BYTES) return cause
  return new Error(NO_SPACE, { cause })
}

/**
 * To be called before a file is begun. LMDB maps its lock file before the disk has given room for it, and lmdb-js frees
 * memory twice when opening fails late: on a full disk either ends the process.
 * @throws when there is no room for it
 */
export function mustHaveRoom(folder: string): void {
  if (spaceLeftIn(folder) < FULL_BELOW_BYTES) throw new Error(NO_SPACE)
}

function spaceLeftIn(folder: string): number {
  try {
    const { bavail, blocks, bsize } = statfsSync(folder)
    if (blocks > 0) return bavail * bsize
  } catch {
    // It cannot be told, as where the file system does not say.
  }
  return Number.POSITIVE_INFINITY
}
