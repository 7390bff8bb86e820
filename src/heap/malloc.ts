/** Calls the C library's allocator, to which Node has no other way than `node:ffi` (Node 26, experimental). */

interface Allocator {
  /** @param pad bytes to keep at the end of the heap */
  malloc_trim(pad: bigint): number
}

let found: Allocator | undefined

/**
 * Returns free memory to the system that glibc would keep, as most of it lies between what is in use. Takes about 0.1 ms
 * per MiB returned. Does nothing with another C library, before Node 26, or where the permission model forbids it.
 */
export function trimMalloc(): void {
  found ??= withoutWarnings(findAllocator)
  found.malloc_trim(0n)
}

function findAllocator(): Allocator {
  try {
    const { functions } = process
      .getBuiltinModule('node:ffi')
      .dlopen(null, { malloc_trim: { arguments: ['uint64'], return: 'int32' } })
    return functions
  } catch {
    return { malloc_trim: () => 0 }
  }
}

/** Node would warn on standard error that the module may change; it is written for the Node version it is shipped with. */
function withoutWarnings<T>(load: () => T): T {
  const own = Object.getOwnPropertyDescriptor(process, 'emitWarning')
  process.emitWarning = () => {}
  try {
    return load()
  } finally {
    if (own !== undefined) Object.defineProperty(process, 'emitWarning', own)
  }
}
