/** The origin's resources in a fleet under test: a few of every kind that a cache treats differently. */
export interface Resource {
  /** Path, and name in a history. */
  readonly key: string
  readonly tags: readonly string[]
  /** Fields of its answers other than ETag and tags. */
  readonly fields: Readonly<Record<string, string>>
  /** Values of X-Variant that it varies by. */
  readonly variants: readonly [string, ...string[]]
  /** Its answers are for the requesting user only. */
  readonly personal: boolean
}

export const resource = (key: string, fields: Record<string, string>, more: Partial<Resource> = {}): Resource => {
  const [, kind = ''] = key.split('/')
  return {
    key,
    tags: [kind, key.slice(1).replace('/', '-'), 'all-of-it'],
    fields,
    variants: [''],
    personal: false,
    ...more,
  }
}

export const RESOURCES = [
  resource('/long/1', { 'Cache-Control': 'max-age=60' }),
  resource('/long/2', { 'Cache-Control': 'max-age=60' }),
  resource('/short/1', { 'Cache-Control': 'max-age=1, stale-while-revalidate=60' }),
  resource('/unstated/1', {}),
  resource('/varied/1', { 'Cache-Control': 'max-age=60', Vary: 'X-Variant' }, { variants: ['red', 'blue'] }),
  resource('/personal/1', { 'Cache-Control': 'private, max-age=60' }, { personal: true }),
] as const

/** How a response without a stated lifetime is treated, in ms. */
export const UNSTATED = { ttl: 150, softTimeout: 20 } as const

export const USERS = ['ann', 'bob'] as const

/** The keys that a selector covers. */
export function keysNamedBy({ tag, path, prefix }: { tag?: string; path?: string; prefix?: string }): string[] {
  return RESOURCES.filter(({ key, tags }) => {
    if (tag !== undefined) return tags.includes(tag)
    if (path !== undefined) return key === path
    return prefix === undefined || key.startsWith(`${prefix}/`)
  }).map(({ key }) => key)
}
