/** A resource of the origin: the request target says everything about it, so that clients know what is right. */
export interface Target {
  readonly path: string
  readonly bytes: number
  /** Seconds it is fresh. */
  readonly maxAge: number
}

export const requestTarget = ({ path, bytes, maxAge }: Target): string => `${path}?bytes=${bytes}&max-age=${maxAge}`

const MAX_BYTES = 64 * 2 ** 20

/** @returns undefined if it is not a target */
export function parseTarget(text: string): Target | undefined {
  const { pathname, searchParams } = new URL(text, 'http://origin')
  const bytes = Number(searchParams.get('bytes') ?? Number.NaN)
  const maxAge = Number(searchParams.get('max-age') ?? Number.NaN)
  const isTarget = Number.isInteger(bytes) && bytes >= 0 && bytes <= MAX_BYTES && Number.isInteger(maxAge)
  return isTarget ? { path: pathname, bytes, maxAge } : undefined
}

/** Repeats its path, so that another resource's content, or a missing or repeated part, is detected. */
export const contentOf = ({ path, bytes }: Target): Buffer => Buffer.alloc(bytes, `${path} of ${bytes}\n`)
