/** How much of a process's memory is for what, where nobody says. The Helm chart divides in the same way. */
import { DEFAULT_LIMITS, DEFAULT_MEMORY_BYTES } from './defaults.ts'

/** What there is, memory in bytes; undefined: no limit that matters. */
export interface Capacity {
  /** Of the container. */
  readonly container?: number | undefined
  /** Of V8's heap. */
  readonly heap?: number | undefined
  /** How many processes run at once; one unless said. */
  readonly cores?: number | undefined
}

/** In bytes. */
export interface MemoryShares {
  readonly store: number
  /** Content that is being received to be stored. */
  readonly bodies: number
}

const MEBIBYTE = 2 ** 20
/** Node itself, sockets, answers that the hit lane keeps ready to send: of each process. */
const NODE = 64 * MEBIBYTE
/** What each of several processes takes under load, whatever it stores. */
const EMPTY_PROCESS = 112 * MEBIBYTE
/**
 * 1.25 / 0.9: a quarter more may have left the store and not be collected yet (src/heap/dead-buffers.ts), and from 90 %
 * on memory counts as short.
 */
const WITH_GARBAGE = 1.4
/** For each process, where workers are counted out: an empty one, and room for what it stores. */
const PROCESS = 160 * MEBIBYTE
const LEAST = 8 * MEBIBYTE

/** How many workers there are: with `auto` as many as run at once, and fit into the container beside their primary. */
export function workersOf(
  given: number | 'auto',
  { cores = 1, container = Number.POSITIVE_INFINITY }: Capacity,
): number {
  if (given !== 'auto') return given
  return Math.max(1, Math.min(cores, Math.floor(container / PROCESS) - 1))
}

/** What so many workers and their primary take of a container together with a store of theirs. */
export const neededBy = (workers: number, store: number): number => processesOf(workers) * EMPTY_PROCESS + store

/** What one process takes that may hold so much: what has left its store and is not collected yet comes on top. */
export const neededByOne = ({ store, bodies }: MemoryShares): number => EMPTY_PROCESS + store * WITH_GARBAGE + bodies

const processesOf = (workers: number): number => (workers === 1 ? 1 : workers + 1)

/**
 * In a container: 64 MiB for Node in each process, an eighth for content that is being received, two fifths of the rest
 * for the store, three for the heap. Never more than half of the heap for the store, as copies of small bodies lie
 * there for the most part.
 */
export function memoryShares({ container, heap = Number.POSITIVE_INFINITY }: Capacity, workers: number): MemoryShares {
  const bodies = container === undefined ? DEFAULT_LIMITS.maxBodiesInProgress : container / 8
  const store =
    container === undefined ? DEFAULT_MEMORY_BYTES : ((container - NODE * processesOf(workers) - bodies) * 2) / 5
  return { store: whole(Math.min(store, heap / 2)), bodies: whole(bodies) }
}

/** In whole MiB. */
const whole = (bytes: number): number => Math.max(LEAST, Math.floor(bytes / MEBIBYTE) * MEBIBYTE)
