/** How memory is divided when the configuration does not say. The Helm chart divides it in the same way. */
import { MIN_CONNECTIONS } from '../ports/max-connections.ts'
import { DEFAULT_LIMITS, DEFAULT_MEMORY_BYTES, DEFAULT_WAITING_BYTES, type Limits } from './defaults.ts'

/** What is available, memory in bytes; undefined: no relevant limit. */
export interface Capacity {
  /** Memory limit of the container. */
  readonly container?: number | undefined
  /** Size limit of V8's heap. */
  readonly heap?: number | undefined
  /** How many processes can run in parallel; 1 by default. */
  readonly cores?: number | undefined
}

/** In bytes. */
export interface MemoryShares {
  readonly store: number
  /** Content being received for storage. */
  readonly bodies: number
}

const MEBIBYTE = 2 ** 20
/** Per process: Node itself, sockets, answers that the hit lane keeps ready to send. */
const NODE = 64 * MEBIBYTE
/** What each of several processes takes under load, apart from what it stores. */
const EMPTY_PROCESS = 112 * MEBIBYTE
/**
 * 1.25 / 0.9: another quarter of the store may be evicted but not collected yet (src/heap/dead-buffers.ts), and memory
 * counts as short from 90 % on.
 */
const WITH_GARBAGE = 1.4
/** Per process, for `auto`: an empty process, and room for what it stores. */
const PROCESS = 160 * MEBIBYTE
const MIN_BYTES = 8 * MEBIBYTE
const UNLIMITED = Number.POSITIVE_INFINITY
/** Of its heap: what an empty process and the smallest store take. */
const EMPTY_HEAP = 40 * MEBIBYTE
/** What a client's connection takes, at most, while its head of many fields is incomplete; `whole`: as it is read. */
const CONNECTION = { heap: 28 * 2 ** 10, whole: 64 * 2 ** 10 }

/** The number of workers: with `auto`, as many as can run in parallel and fit into the container with their primary. */
export function workersOf(given: number | 'auto', { cores = 1, container = UNLIMITED }: Capacity): number {
  if (given !== 'auto') return given
  return Math.max(1, Math.min(cores, Math.floor(container / PROCESS) - 1))
}

/** What this many workers, their primary and their store need of the container's memory. */
export const neededBy = (workers: number, store: number): number => processesOf(workers) * EMPTY_PROCESS + store

/** What one process with these shares needs, including evicted copies that are not collected yet. */
export const neededByOne = ({ store, bodies }: MemoryShares): number => EMPTY_PROCESS + store * WITH_GARBAGE + bodies

/**
 * Octets of copies that may be on their way to another tier at once, in bytes, by how much memory there is for content
 * being received. For a moment one takes two or three times its size on its way to the disk, and more in messages and
 * in a primary, which gets them from all its workers.
 */
export function copiesUnderway({ maxBodiesInProgress }: Pick<Limits, 'maxBodiesInProgress'>): {
  readonly toDisk: number
  readonly toPrimary: number
} {
  const toDisk = Math.min(maxBodiesInProgress / 4, DEFAULT_WAITING_BYTES)
  return { toDisk: Math.ceil(toDisk), toPrimary: Math.ceil(toDisk / 4) }
}

const processesOf = (workers: number): number => (workers === 1 ? 1 : workers + 1)

/**
 * In a container: 64 MiB for Node in each process, an eighth for content being received, two fifths of the rest for the
 * store, three for the heap. The store gets at most half of the heap's size, as copies with small bodies are mostly on
 * the heap.
 */
export function memoryShares({ container, heap = UNLIMITED }: Capacity, workers: number): MemoryShares {
  const bodies = container === undefined ? DEFAULT_LIMITS.maxBodiesInProgress : container / 8
  const store =
    container === undefined ? DEFAULT_MEMORY_BYTES : ((container - NODE * processesOf(workers) - bodies) * 2) / 5
  return { store: whole(Math.min(store, heap / 2)), bodies: whole(bodies) }
}

/**
 * Client connections at once: as many as fit in, each with a large head in progress, once the store has given way. No
 * request of theirs can be refused until its head is complete.
 */
export function connectionsOf({ container = UNLIMITED, heap = UNLIMITED }: Capacity, workers: number): number {
  const byHeap = ((heap - EMPTY_HEAP) / CONNECTION.heap) * workers
  const byContainer = (container - processesOf(workers) * EMPTY_PROCESS) / CONNECTION.whole
  const fitting = Math.floor(Math.min(byHeap, byContainer, DEFAULT_LIMITS.maxConnections))
  return Math.max(MIN_CONNECTIONS * workers, fitting)
}

/** In whole MiB. */
const whole = (bytes: number): number => Math.max(MIN_BYTES, Math.floor(bytes / MEBIBYTE) * MEBIBYTE)
