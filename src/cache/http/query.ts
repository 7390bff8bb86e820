/** QUERY: a safe method whose content is part of what is asked, and so of the key. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { BodyBudget } from '../../body.ts'
import { field } from '../../fields.ts'
import type { CacheRequest } from '../../model.ts'
import { keyMember } from '../../policy/key.ts'

/** Longer content is passed on and its answer not stored. */
const MOST_CONTENT_BYTES = 64 * 1024

export type ReadQuery =
  | { readonly kind: 'read'; readonly request: CacheRequest; readonly key: string }
  /** Too long to be part of a key, or more than there is memory for just now. */
  | { readonly kind: 'too-long'; readonly request: CacheRequest }

/** Fields that decide what the content means. */
const DESCRIBING = ['content-type', 'content-encoding', 'content-language', 'content-location']

/**
 * Reads the content of a QUERY. The request returned has the same content, to be read as often as need be if it is
 * short. Rejects when the client breaks off.
 * @param budget what clients send slowly takes of the memory for all content in progress
 */
export async function readQuery(request: CacheRequest, budget: BodyBudget): Promise<ReadQuery> {
  const chunks: Buffer[] = []
  let length = 0
  const { body } = request
  try {
    const source = body?.[Symbol.asyncIterator]()
    for (let next = await source?.next(); next?.done === false; next = await source?.next()) {
      const chunk: Buffer = next.value
      chunks.push(chunk)
      length += chunk.length
      budget.take(chunk.length)
      if (source !== undefined && (length > MOST_CONTENT_BYTES || budget.isSpent))
        return { kind: 'too-long', request: withContent(request, () => resumed(chunks, source)) }
    }
  } finally {
    budget.take(-length)
  }
  const content = Buffer.concat(chunks)
  const key = DESCRIBING.map((name) => keyMember('h', name, field(request.fields, name))).join('')
  const hash = createHash('sha256').update(content).digest('hex')
  const read = body === undefined ? request : withContent(request, () => Readable.from([content]))
  return { kind: 'read', request: read, key: `${key}${keyMember('q', 'content', hash)}` }
}

async function* rest(chunks: readonly Buffer[], source: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value
}

const resumed = (chunks: readonly Buffer[], source: AsyncIterator<Buffer>): Readable =>
  Readable.from(rest(chunks, source))

function withContent(request: CacheRequest, content: () => Readable): CacheRequest {
  return {
    method: request.method,
    url: request.url,
    fields: request.fields,
    peer: request.peer,
    get body() {
      return content()
    },
    get signal() {
      return request.signal
    },
    onInterim: (status, fields) => request.onInterim?.(status, fields),
  }
}
