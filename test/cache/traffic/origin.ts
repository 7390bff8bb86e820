import { HerdgateError } from '../../../src/errors.ts'
import { type Fields, field, has } from '../../../src/fields.ts'
import type { Origin, OriginRequest, OriginResponse, Signal } from '../../../src/model.ts'
import { fieldsOf } from '../../support/fields.ts'
import { PushedBody } from '../../support/scripted-origin.ts'
import type { Begun, Exchange, History } from './history.ts'
import { contentOf, type Credentials, entityTag, formOf, type Representation, type Resource } from './resources.ts'
import type { Answer } from './steps.ts'

interface Waiting extends Begun {
  readonly request: OriginRequest
  /** The resource's when the request came. */
  readonly version: number
  resolve(response: OriginResponse): void
  reject(error: Error): void
}

interface Unfinished {
  readonly body: PushedBody
  readonly rest: string
  readonly exchange: Exchange | undefined
}

/** Answers when it is told to, with the state that the resource had when the request came. */
export class SteppedOrigin implements Origin {
  readonly name = 'origin'
  readonly waiting: Waiting[] = []
  readonly unfinished: Unfinished[] = []
  readonly #versions = new Map<string, number>()
  readonly #history: History
  readonly #resources: Readonly<Record<string, Resource>>

  constructor(history: History, resources: Readonly<Record<string, Resource>>) {
    this.#history = history
    this.#resources = resources
  }

  change(path: string): void {
    this.#versions.set(path, this.#versionOf(path) + 1)
  }

  fetch(request: OriginRequest, signal?: Signal): Promise<OriginResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<OriginResponse>()
    const version = this.#versionOf(request.target)
    const waiting = { request, version, ...this.#history.begun(), resolve, reject }
    this.waiting.push(waiting)
    signal?.addEventListener('abort', () => {
      const at = this.waiting.indexOf(waiting)
      if (at >= 0) this.waiting.splice(at, 1)
      reject(new HerdgateError('client_gone'))
    })
    return promise
  }

  async close(): Promise<void> {}

  /** Whether a request for the path waits here, or its content has begun. */
  isBusyWith(path: string): boolean {
    return (
      this.waiting.some(({ request }) => request.target === path) ||
      this.unfinished.some(({ exchange }) => exchange?.path === path)
    )
  }

  /** Answers one of those that wait. */
  answer(which: number, how: Answer['how']): void {
    const [call] = this.waiting.splice(which % this.waiting.length, 1)
    if (call === undefined) return
    if (how === 'refused') {
      this.#history.fail(call.request.target)
      return call.reject(new HerdgateError('origin_refused'))
    }
    if (how === '503') {
      this.#history.fail(call.request.target)
      return call.resolve(this.#response(503, {}, 'unavailable', 'whole'))
    }
    if (call.request.method === 'POST') {
      this.change(call.request.target)
      return call.resolve(this.#response(200, {}, 'changed', 'whole'))
    }
    call.resolve(this.#represent(call, how))
  }

  /** Ends one of the contents that have begun. */
  end(which: number, how: 'whole' | 'cut'): void {
    const [content] = this.unfinished.splice(which % this.unfinished.length, 1)
    if (content === undefined) return
    const { body, rest, exchange } = content
    if (how === 'cut') return this.#cut(body, exchange)
    body.push(rest)
    body.end()
    if (exchange !== undefined) exchange.completed = this.#history.next()
  }

  #cut(body: PushedBody, exchange: Exchange | undefined): void {
    body.break()
    if (exchange !== undefined) this.#history.fail(exchange.path)
  }

  #represent(waiting: Waiting, how: Answer['how']): OriginResponse {
    const { request, began, beganAt } = waiting
    const { method, target: path, fields } = request
    const resource = this.#resources[path]
    if (resource === undefined) throw new Error(`no resource ${path}`)
    const representation = representationFor(waiting, resource)
    const { status, headers, content } = answerTo(request, representation, resource)
    const exchange = this.#history.answered({
      ...representation,
      status,
      method,
      by: credentialsIn(fields),
      notToStore: field(fields, 'cache-control') === 'no-store',
      began,
      beganAt,
    })
    return this.#response(status, headers, content, content === '' ? 'whole' : how, exchange)
  }

  #response(
    status: number,
    headers: Headers,
    content: string,
    how: Answer['how'],
    exchange?: Exchange,
  ): OriginResponse {
    const body = new PushedBody()
    const half = how === 'whole' ? content.length : content.length >> 1
    if (half > 0) body.push(content.slice(0, half))
    if (how === 'head') this.unfinished.push({ body, rest: content.slice(half), exchange })
    if (how === 'cut') this.#cut(body, exchange)
    if (how === 'whole') {
      body.end()
      if (exchange !== undefined) exchange.completed = this.#history.next()
    }
    return { status, fields: fieldsOf(headers), body, trailers: () => [] }
  }

  #versionOf(path: string): number {
    return this.#versions.get(path) ?? 1
  }
}

type Headers = Readonly<Record<string, string | undefined>>

interface Represented {
  readonly status: number
  readonly headers: Headers
  readonly content: string
}

function representationFor({ request, version }: Waiting, resource: Resource): Representation {
  const { personal } = resource
  const { target: path, fields } = request
  return {
    path,
    version,
    variant: formOf(resource, { version }).varies ? (field(fields, 'x-variant') ?? '') : '',
    user: personal === undefined ? '' : (field(fields, personal)?.slice(-1) ?? ''),
  }
}

/** 304, 416, 206 or 200, as RFC 9110 says. */
function answerTo(request: OriginRequest, representation: Representation, resource: Resource): Represented {
  const { method, fields } = request
  const { control, varies } = formOf(resource, representation)
  const content = contentOf(representation)
  const etag = resource.etag && entityTag(representation, resource.etag)
  const modified = resource.modified ? modifiedOf(representation) : undefined
  const headers = {
    'Cache-Control': control.text,
    'Surrogate-Key': representation.path.slice(1),
    Vary: varies ? 'X-Variant' : undefined,
    ETag: etag,
    'Last-Modified': modified,
  }
  if (isNotModified(fields, etag, modified)) return { status: 304, headers, content: '' }
  const range = method === 'GET' && resource.ranges ? rangeOf(fields, content.length, etag) : undefined
  if (range === 'none') return { status: 416, headers: { 'Content-Range': `bytes */${content.length}` }, content: '' }
  const [first, last] = range ?? [0, content.length - 1]
  const sent = content.slice(first, last + 1)
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...headers,
      'Content-Length': resource.sized ? String(sent.length) : undefined,
      'Content-Range': range && `bytes ${first}-${last}/${content.length}`,
    },
    content: method === 'HEAD' ? '' : sent,
  }
}

function isNotModified(fields: Fields, etag: string | undefined, modified: string | undefined): boolean {
  const condition = field(fields, 'if-none-match')
  if (condition !== undefined) return etag !== undefined && condition.includes(etag)
  return modified !== undefined && field(fields, 'if-modified-since') === modified
}

/** The range to be sent, if one is asked for and If-Range permits it; `none` if there are no such octets. */
function rangeOf(
  fields: Fields,
  length: number,
  etag: string | undefined,
): readonly [number, number] | 'none' | undefined {
  const ifRange = field(fields, 'if-range')
  if (ifRange !== undefined && (ifRange !== etag || etag.startsWith('W/'))) return undefined
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(field(fields, 'range') ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first === '') return [Math.max(0, length - Number(last)), length - 1]
  if (Number(first) >= length) return 'none'
  return [Number(first), last === '' ? length - 1 : Math.min(Number(last), length - 1)]
}

const credentialsIn = (fields: Fields): Credentials | undefined =>
  (['cookie', 'authorization'] as const).find((name) => has(fields, name))

/** Each version a day later, and every representation of it at another time of the day. */
function modifiedOf({ version, variant, user }: Representation): string {
  const [hour, minute] = [variant, user].map((text) => (text.codePointAt(0) ?? 0) % 24)
  return new Date(Date.UTC(2025, 0, version, hour, minute)).toUTCString()
}
