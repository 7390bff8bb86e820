import { Readable } from 'node:stream'
import type { Explanation } from '../cache/http/explain.ts'
import type { Awaitable, CacheRequest } from '../model.ts'
import { readHead } from '../policy/head.ts'
import { locate } from '../policy/target.ts'

/** That there is content is all that is asked of it. */
const CONTENT = Readable.from([])

/**
 * What would become of a request that is only asked about: how it would be refused by its head, else what is said of it when
 * its head is read.
 */
export function explainByHead(
  request: CacheRequest,
  explain: (request: CacheRequest) => Awaitable<Explanation>,
): Awaitable<Explanation> {
  const { method, url, fields } = request
  const { scheme, target } = locate(url)
  const head = readHead({
    method,
    target,
    version: '1.1',
    fields,
    scheme: scheme === 'https' ? 'https' : 'http',
    local: () => '',
  })
  if (!head.ok) return { request: { method, url }, route: undefined, decision: 'error', why: head.code }
  return explain(head.hasContent ? { ...request, body: CONTENT } : request)
}
