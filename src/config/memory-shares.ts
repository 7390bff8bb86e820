/** How much of a process's memory is for what, where nobody says. The Helm chart divides in the same way. */
import { DEFAULT_LIMITS, DEFAULT_MEMORY_BYTES } from './defaults.ts'

/** What the process may take, in bytes; undefined: no limit that matters. */
export interface MemoryLimits {
  /** Of the container. */
  readonly container?: number | undefined
  /** Of V8's heap. */
  readonly heap?: number | undefined
}

/** In bytes. */
export interface MemoryShares {
  readonly store: number
  /** Content that is being received to be stored. */
  readonly bodies: number
}

const MEBIBYTE = 2 ** 20
/** Node itself, sockets, answers that the hit lane keeps ready to send. */
const NODE = 64 * MEBIBYTE
const LEAST = 8 * MEBIBYTE

/**
 * In a container: 64 MiB for Node, an eighth for content that is being received, two fifths of the rest for the store,
 * three for the heap. Never more than half of the heap for the store, as copies of small bodies lie there for the most part.
 */
export function memoryShares({ container, heap = Number.POSITIVE_INFINITY }: MemoryLimits): MemoryShares {
  const bodies = container === undefined ? DEFAULT_LIMITS.maxBodiesInProgress : container / 8
  const store = container === undefined ? DEFAULT_MEMORY_BYTES : ((container - NODE - bodies) * 2) / 5
  return { store: whole(Math.min(store, heap / 2)), bodies: whole(bodies) }
}

/** In whole MiB. */
const whole = (bytes: number): number => Math.max(LEAST, Math.floor(bytes / MEBIBYTE) * MEBIBYTE)
