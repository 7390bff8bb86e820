import { accessSync, constants, readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const SHARED_MEMORY = '/dev/shm'
/** What the caches keep in files together, and then some; containers often have 64 MiB there. */
const ENOUGH_BYTES = 2 * 1_024 ** 3

/**
 * Where files are memory, if that is anywhere. nginx stores in files and Varnish maps one: written to a disk, they
 * are slower there and hold up whoever is measured after them.
 */
export function memoryFolder(): string {
  try {
    accessSync(SHARED_MEMORY, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = statfsSync(SHARED_MEMORY)
    const isRoomy = bavail * bsize >= ENOUGH_BYTES
    return isRoomy && mayExecute(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir()
  } catch {
    return tmpdir()
  }
}

/** The C loop is run from there, and Varnish loads what it has compiled; containers often forbid that. */
function mayExecute(folder: string): boolean {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  const options = mounts.map((line) => line.split(' ')).findLast(([, at]) => at === folder)?.[3] ?? ''
  return !options.split(',').includes('noexec')
}
