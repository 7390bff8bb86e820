import { HerdgateError } from '../../src/errors.ts'
import { field, type Fields } from '../../src/fields.ts'
import type { Origin, OriginRequest, OriginResponse } from '../../src/model.ts'
import type { Body, History } from './history.ts'
import { type Resource, RESOURCES } from './resources.ts'
import { fieldsOf } from '../support/fields.ts'

export interface OriginBehaviour {
  /** How long the next answer takes until its head, and how long its body pauses half way, in ms. */
  pauses(): { readonly head: number; readonly body: number }
  /** Whether the next request fails. */
  fails(): boolean
}

/**
 * An origin whose answers identify themselves. It reads its data when a request arrives and answers later, so an answer
 * may be out of date before it is sent.
 */
export class VersionedOrigin implements Origin {
  readonly name = 'origin'
  readonly #history: History
  readonly #behaviour: OriginBehaviour
  readonly #resources: ReadonlyMap<string, Resource>
  readonly #versions = new Map<string, number>()
  requests = 0

  constructor(history: History, behaviour: OriginBehaviour, resources: readonly Resource[] = RESOURCES) {
    this.#history = history
    this.#behaviour = behaviour
    this.#resources = new Map(resources.map((resource) => [resource.key, resource]))
    for (const { key } of resources) this.write(key)
  }

  /** Changes a key's content. */
  write(key: string): void {
    const version = (this.#versions.get(key) ?? 0) + 1
    this.#versions.set(key, version)
    this.#history.writes.push({ key, version, at: performance.now() })
  }

  async fetch({ target, fields }: OriginRequest, signal?: AbortSignal): Promise<OriginResponse> {
    this.requests++
    const resource = this.#resources.get(target)
    const version = this.#versions.get(target)
    if (resource === undefined || version === undefined) return response(404, ['Content-Length', '0'])
    const variant = resource.variants.length > 1 ? (field(fields, 'x-variant') ?? '') : ''
    const user = resource.personal ? field(fields, 'x-user') : undefined
    const body: Body = { key: target, variant, user, version }
    const etag = `"${version}"`
    const isKnown = field(fields, 'if-none-match') === etag
    if (!isKnown) this.#history.served.push({ ...body, at: performance.now() })
    const { head, body: half } = this.#behaviour.pauses()
    const fails = this.#behaviour.fails()
    await pause(head)
    if (fails || signal?.aborted === true) throw new HerdgateError('origin_reset')
    const all = fieldsOf({ ...resource.fields, ETag: etag, 'Surrogate-Key': resource.tags.join(' ') })
    return isKnown ? response(304, all) : response(200, all, inTwo(JSON.stringify(body), half))
  }

  async close(): Promise<void> {}
}

function response(status: number, fields: Fields, body: AsyncIterable<Uint8Array> = nothing()): OriginResponse {
  return { status, fields, body, trailers: () => [] }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* inTwo(text: string, ms: number): AsyncGenerator<Uint8Array> {
  const middle = text.length >> 1
  yield Buffer.from(text.slice(0, middle))
  await pause(ms)
  yield Buffer.from(text.slice(middle))
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
}
