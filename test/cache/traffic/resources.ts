/** What the origin has, and how it speaks of it. */

export interface Control {
  /** Value of Cache-Control; absent: no such field. */
  readonly text?: string
  /** Freshness lifetime in s. */
  readonly lifetime: number
  /** How long after that a copy may be used while the origin fails or is slow, in s; absent: the route's grace. */
  readonly ifError?: number
  /** How long after that a copy may be used at once, in s; absent: the route's grace if its soft timeout is 0. */
  readonly whileRevalidate?: number
  /** No stale use. */
  readonly strict?: boolean
  /** Not for other clients. */
  readonly personal?: boolean
}

/** The longest that a copy is used stale where the response does not say. */
export const GRACE_S = 30

export const CONTROLS: readonly Control[] = [
  { text: 'max-age=10', lifetime: 10 },
  { text: 'max-age=10, stale-while-revalidate=15', lifetime: 10, whileRevalidate: 15 },
  { text: 'max-age=5, stale-if-error=20', lifetime: 5, ifError: 20 },
  { text: 'max-age=10, must-revalidate', lifetime: 10, strict: true },
  { text: 's-maxage=10', lifetime: 10, strict: true },
  { text: 'no-cache', lifetime: 0, strict: true },
  { text: 'max-age=0', lifetime: 0 },
  { text: 'private, max-age=10', lifetime: 10, personal: true },
  { text: 'no-store', lifetime: 10, personal: true },
  { lifetime: 0 },
]

/** What may differ from version to version. */
export interface Form {
  readonly control: Control
  /** Varies by X-Variant. */
  readonly varies: boolean
}

export interface Resource {
  /** Of versions with even numbers, and of those with odd ones. */
  readonly forms: readonly [Form, Form]
  /** Its content differs by user, who is known by the field. */
  readonly personal: Credentials | undefined
  readonly etag: 'strong' | 'weak' | undefined
  readonly modified: boolean
  /** Content-Length, or chunks. */
  readonly sized: boolean
  /** Range requests are answered with 206. */
  readonly ranges: boolean
}

export const formOf = ({ forms }: Resource, { version }: Pick<Representation, 'version'>): Form =>
  forms[version % 2 === 0 ? 0 : 1]

/** In s; a day is the longest that is guessed from Last-Modified. */
export function lifetimeOf(resource: Resource, representation: Representation): number {
  const { control } = formOf(resource, representation)
  return control.text === undefined && resource.modified ? 86_400 : control.lifetime
}

export type Credentials = 'cookie' | 'authorization'

/** Whether a response to a request with these may be given to others. */
export function agreesToShare({ text = '' }: Control, by: Credentials): boolean {
  return text.includes('s-maxage') || (by === 'authorization' && text.includes('must-revalidate'))
}

/** One state of a resource's representation. */
export interface Representation {
  readonly path: string
  readonly version: number
  readonly variant: string
  readonly user: string
}

const LENGTH = 60

/** Every few octets tell which one it is, so that parts can be told apart too. */
export function contentOf({ path, version, variant, user }: Representation): string {
  return `${path.slice(1)}${version}${variant}${user}.`.repeat(LENGTH).slice(0, LENGTH)
}

export const entityTag = ({ version, variant, user }: Representation, kind: 'strong' | 'weak'): string =>
  `${kind === 'weak' ? 'W/' : ''}"${version}${variant}${user}"`
