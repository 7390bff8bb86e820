import { readFileSync } from 'node:fs'

const STATUS = '/proc/self/status'
/** In kB: memory of its own, and shared memory, which has no file either. */
const ANONYMOUS = /^Rss(?:Anon|Shmem):\s*(\d+) kB$/gm

let last = 0

/**
 * Resident bytes of this process that are no file's: most of what a container is killed for. Pages of files, such as those of Node's program
 * and of the disk store, are the kernel's to take back before that. Elsewhere than on Linux: all resident bytes.
 */
export function anonymousBytes(): number {
  try {
    last = process.platform === 'linux' ? readAnonymousBytes() : process.memoryUsage.rss()
  } catch {
    // A process may have no descriptor left: what is known is good enough until there are some again.
  }
  return last
}

/** Some kernels do not tell them apart: then all resident bytes. */
function readAnonymousBytes(): number {
  const parts = [...readFileSync(STATUS, 'latin1').matchAll(ANONYMOUS)]
  if (parts.length === 0) return process.memoryUsage.rss()
  return parts.reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1_024, 0)
}
