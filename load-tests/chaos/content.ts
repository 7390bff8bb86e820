/** What is at a target of the origin: everything about it is in the target, so that whoever asks knows what is right. */
export interface Target {
  readonly path: string
  readonly bytes: number
  /** Seconds it is fresh. */
  readonly maxAge: number
}

export const requestTarget = ({ path, bytes, maxAge }: Target): string => `${path}?bytes=${bytes}&max-age=${maxAge}`

const MOST_BYTES = 64 * 2 ** 20

/** @returns undefined when it is no target */
export function parseTarget(text: string): Target | undefined {
  const { pathname, searchParams } = new URL(text, 'http://origin')
  const bytes = Number(searchParams.get('bytes') ?? Number.NaN)
  const maxAge = Number(searchParams.get('max-age') ?? Number.NaN)
  const isTarget = Number.isInteger(bytes) && bytes >= 0 && bytes <= MOST_BYTES && Number.isInteger(maxAge)
  return isTarget ? { path: pathname, bytes, maxAge } : undefined
}

/** Its path over and over: another resource's content, or a part that is missing or twice there, is not the same. */
export const contentOf = ({ path, bytes }: Target): Buffer => Buffer.alloc(bytes, `${path} of ${bytes}\n`)
