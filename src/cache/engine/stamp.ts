import type { Beginning, InvalidationLog, Stamp } from '../../model.ts'

/** Of what carries no tags, or whose tags are not known. */
export const NO_TAGS: readonly string[] = []

/** For a fetch that begins now. */
export const beginningAt = ({ generation, position }: InvalidationLog, now: number): Beginning => ({
  generation,
  position,
  startedAt: now,
})

/** The stamp of a fetch's result, not yet checked against later records. */
export const stampOf = (
  url: string,
  tags: readonly string[],
  { generation, position, startedAt }: Beginning,
): Stamp => ({ url, tags, generation, position, checked: position, startedAt })
