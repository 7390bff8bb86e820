import type { Beginning, InvalidationLog, Stamp } from '../../model.ts'

/** Of what begins now. */
export const beginningAt = ({ generation, position }: InvalidationLog, now: number): Beginning => ({
  generation,
  position,
  startedAt: now,
})

/** Of what comes of a fetch that began so, compared with nothing yet. */
export const stampOf = (
  url: string,
  tags: readonly string[],
  { generation, position, startedAt }: Beginning,
): Stamp => ({ url, tags, generation, position, checked: position, startedAt })
