/** What the origin of a fleet under test has: few things, of every kind that a cache treats in a way of its own. */
export interface Resource {
  /** Its path, and its name in a history. */
  readonly key: string
  readonly tags: readonly string[]
  /** Fields of its answers beside ETag and tags. */
  readonly fields: Readonly<Record<string, string>>
  /** Values of X-Variant by which it differs. */
  readonly variants: readonly [string, ...string[]]
  /** Its answers are for the one who asked. */
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

/** How a response is treated that states no lifetime: times in ms. */
export const UNSTATED = { ttl: 150, softTimeout: 20 } as const

export const USERS = ['ann', 'bob'] as const

/** The keys that a selector names. */
export function keysNamedBy({ tag, path, prefix }: { tag?: string; path?: string; prefix?: string }): string[] {
  return RESOURCES.filter(({ key, tags }) => {
    if (tag !== undefined) return tags.includes(tag)
    if (path !== undefined) return key === path
    return prefix === undefined || key.startsWith(`${prefix}/`)
  }).map(({ key }) => key)
}
