import { accessSync, constants, readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const SHARED_MEMORY = '/dev/shm'
/** More than all caches together keep in files; containers often have 64 MiB there. */
const ENOUGH_BYTES = 2 * 1_024 ** 3

/**
 * A folder in memory if there is one. nginx stores in files and Varnish maps one: on a disk these would be slower, and
 * their writes would delay whatever is measured next.
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

/** The C server runs from there, and Varnish loads compiled code; containers often forbid that. */
function mayExecute(folder: string): boolean {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  const options = mounts.map((line) => line.split(' ')).findLast(([, at]) => at === folder)?.[3] ?? ''
  return !options.split(',').includes('noexec')
}
