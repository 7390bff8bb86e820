import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** Limits in bytes; undefined: none. */
export interface MemoryCeilings {
  readonly heap: number
  /** What the process may use of its container's memory. */
  readonly container: number | undefined
}

/** How much this process may take. Node reads the container's limit from its cgroup, of either version. */
export function memoryCeilings(): MemoryCeilings {
  const constrained = process.constrainedMemory()
  const container = constrained > 0 && constrained < Number.MAX_SAFE_INTEGER ? constrained : undefined
  const memory = Math.min(totalmem(), container ?? Number.POSITIVE_INFINITY)
  const flags = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv].join(' ')
  return { heap: oldGenerationOf(getHeapStatistics().heap_size_limit, memory, flags), container }
}

/** The most that one half-space of the young generation can hold, in bytes. */
export const maxHalfSpace = (): number => (getHeapStatistics().heap_size_limit - memoryCeilings().heap) / 3

/** This share of the container's memory, in bytes; infinite without a limit. */
export const shareOfContainer = (share: number): number =>
  share * (memoryCeilings().container ?? Number.POSITIVE_INFINITY)

const MEBIBYTE = 2 ** 20
/** A container with less than this left is full, however small it is. */
const LEAST_LEFT_BYTES = 8 * MEBIBYTE
/** Bytes of each of the young generation's three half-spaces: a share of the memory there is, within bounds. */
const HALF_SPACE = { share: 1 / 128, least: 2 * MEBIBYTE, most: 32 * MEBIBYTE }
/** A smaller rest means that the limit is from `--max-heap-size`, and the young generation has shrunk to fit. */
const MIN_HEAP_BYTES = 32 * MEBIBYTE

/**
 * Do all processes of the container together use more than this share of it? Pages of files count as well, although the
 * kernel can reclaim them.
 */
export function isContainerFull(share: number): boolean {
  const { container } = memoryCeilings()
  return container !== undefined && process.availableMemory() < Math.max((1 - share) * container, LEAST_LEFT_BYTES)
}

/**
 * What V8's limit leaves to the old generation.
 * @param limit of the whole heap, in bytes
 * @param memory of the container, else of the machine
 * @param flags that Node was started with
 */
export function oldGenerationOf(limit: number, memory: number, flags: string): number {
  const given = mebibytesOf('old-space', flags)
  if (given !== undefined) return Math.min(given, limit)
  const { share, least, most } = HALF_SPACE
  const halfSpace = mebibytesOf('semi-space', flags) ?? Math.min(Math.max(memory * share, least), most)
  const rest = limit - 3 * halfSpace
  return rest >= MIN_HEAP_BYTES ? rest : limit / 2
}

/** The value of the last such flag, in bytes. Node takes "_" for "-". */
function mebibytesOf(name: string, flags: string): number | undefined {
  const pattern = new RegExp(`--max-${name}-size[= ](\\d+)`, 'g')
  const [, mebibytes] = [...flags.replaceAll('_', '-').matchAll(pattern)].at(-1) ?? []
  return mebibytes === undefined ? undefined : Number(mebibytes) * MEBIBYTE
}
