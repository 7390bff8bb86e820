import type { Hit } from '../cache/http/hit.ts'
import { field } from '../fields.ts'
import { headText } from '../head-text.ts'
import type { StoredResponse } from '../model.ts'
import { notModifiedHead } from '../policy/fields/not-modified.ts'
import { ageOf, cachedHead } from '../policy/response.ts'
import type { PlainHead } from './plain-head.ts'

export type Form = 'whole' | 'head' | 'notModified'

/** Content up to this size shares a buffer with its head and is sent in the same write. */
const SENT_WITH_HEAD_BYTES = 16 * 1024
/** Limit for each of the two generations of rendered responses, the newer and the older. */
const MAX_BYTES = 8 * 2 ** 20
/** Overhead of each, apart from its octets. */
const RENDERED_BYTES = 256

/** The current responses of an entry, as octets. Only age and ttl change, once a second. */
export class Rendered {
  readonly age: number
  readonly ttl: number
  /** Requested again within its second: the octets of others are not worth keeping. */
  isHot = false
  whole: Buffer | undefined
  head: Buffer | undefined
  notModified: Buffer | undefined
  /** The entity tag, if a client that sends exactly this has the content. */
  readonly #tag: string | undefined

  constructor({ status, fields }: StoredResponse, age: number, ttl: number) {
    this.age = age
    this.ttl = ttl
    const tag = status === 200 ? field(fields, 'etag') : undefined
    this.#tag = tag !== undefined && TAG.test(tag) ? tag : undefined
  }

  /** A switch, because V8 takes longer to find a member by a computed name. */
  octets(form: Form): Buffer | undefined {
    switch (form) {
      case 'whole':
        return this.whole
      case 'head':
        return this.head
      case 'notModified':
        return this.notModified
    }
  }

  /** Whether If-None-Match is exactly this entity tag: the client then has this content (RFC 9110 section 13.1.2). */
  matchesIfNoneMatch({ octets, tagFrom, tagTo }: PlainHead): boolean {
    const tag = this.#tag
    if (tag === undefined || tagTo - tagFrom !== tag.length) return false
    for (let at = 0; at < tag.length; at++) if (octets[tagFrom + at] !== tag.charCodeAt(at)) return false
    return true
  }
}

const TAG = /^(?:W\/)?"[^"]*"$/

/** Renders responses as octets, anew when the second changes. What it keeps is bounded, and not part of any store. */
export class Renderer {
  readonly #ending: string
  readonly #reasons: (status: number) => string
  #newer = new WeakMap<StoredResponse, Rendered>()
  #older = new WeakMap<StoredResponse, Rendered>()
  #bytes = 0

  /**
   * @param ending what every head of this listener ends with, including the empty line
   * @param reasons reason phrases by status
   */
  constructor(ending: string, reasons: (status: number) => string) {
    this.#ending = ending
    this.#reasons = reasons
  }

  for({ entry, outcome, now }: Hit): Rendered {
    const age = ageOf(entry, now)
    const ttl = Math.floor((outcome.ttlMs ?? 0) / 1000)
    const known = this.#newer.get(entry) ?? this.#older.get(entry)
    if (known !== undefined && known.age === age && known.ttl === ttl) {
      known.isHot = true
      return known
    }
    const rendered = new Rendered(entry, age, ttl)
    this.#newer.set(entry, rendered)
    this.#count(RENDERED_BYTES)
    return rendered
  }

  /** Content that does not share the head's buffer is left to the caller to send. */
  octets(rendered: Rendered, hit: Hit, form: Form): Buffer {
    const known = rendered.octets(form)
    if (known !== undefined) return known
    const octets = this.#render(hit, form)
    if (rendered.isHot) {
      rendered[form] = octets
      this.#count(octets.length)
    }
    return octets
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < MAX_BYTES) return
    this.#older = this.#newer
    this.#newer = new WeakMap()
    this.#bytes = 0
  }

  #render({ route, entry, outcome, now }: Hit, form: Form): Buffer {
    const fields = cachedHead(entry, outcome, now, route.rules)
    const { bytes } = entry.body
    if (form === 'notModified') {
      return octetsOf(headText(304, this.#reasons(304), notModifiedHead(fields)) + this.#ending, NOTHING)
    }
    if (bytes !== undefined && entry.status !== 204) fields.push('Content-Length', String(bytes.length))
    const content = form === 'whole' && bytes !== undefined && isSentWithHead(bytes) ? bytes : NOTHING
    return octetsOf(headText(entry.status, this.#reasons(entry.status), fields) + this.#ending, content)
  }
}

const NOTHING = Buffer.alloc(0)

/** In memory of its own: a slice of Node's buffer pool would keep the whole pool in memory. */
function octetsOf(head: string, content: Buffer): Buffer {
  const octets = Buffer.allocUnsafeSlow(head.length + content.length)
  octets.write(head, 'latin1')
  content.copy(octets, head.length)
  return octets
}

export const isSentWithHead = (content: Buffer): boolean => content.length <= SENT_WITH_HEAD_BYTES
