import { readFileSync } from 'node:fs'

const STATUS = '/proc/self/status'
/** In kB: anonymous memory, and shared memory, which is not backed by a file either. */
const ANONYMOUS = /^Rss(?:Anon|Shmem):\s*(\d+) kB$/gm

let last = 0

/**
 * Resident bytes of this process that are not backed by a file: most of what a container is killed for. Pages of files,
 * such as Node's executable and the disk store, are reclaimed by the kernel before that. On systems other than Linux:
 * all resident bytes.
 */
export function anonymousBytes(): number {
  try {
    last = process.platform === 'linux' ? readAnonymousBytes() : process.memoryUsage.rss()
  } catch {
    // A process may have no descriptor left: the last value is good enough until it has some again.
  }
  return last
}

/** Some kernels do not report them: then all resident bytes. */
function readAnonymousBytes(): number {
  const parts = [...readFileSync(STATUS, 'latin1').matchAll(ANONYMOUS)]
  if (parts.length === 0) return process.memoryUsage.rss()
  return parts.reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1_024, 0)
}
