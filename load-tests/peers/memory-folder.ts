import { accessSync, constants, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const SHARED_MEMORY = '/dev/shm'
/** What the caches keep in files together, and then some; containers often have 64 MiB there. */
const ENOUGH_BYTES = 2 * 1_024 ** 3

/**
 * Where files are memory, if that is anywhere. nginx stores in files and Varnish logs into one: written to a disk, they
 * are slower there and hold up whoever is measured after them.
 */
export function memoryFolder(): string {
  try {
    accessSync(SHARED_MEMORY, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = statfsSync(SHARED_MEMORY)
    return bavail * bsize >= ENOUGH_BYTES ? SHARED_MEMORY : tmpdir()
  } catch {
    return tmpdir()
  }
}
