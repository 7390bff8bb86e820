import { Readable } from 'node:stream'
import type { Explanation } from '../cache/http/explain.ts'
import type { Awaitable, CacheRequest } from '../model.ts'
import { readUrl } from '../policy/absolute-url.ts'
import { readHead } from '../policy/head.ts'
import { splitUrl } from '../policy/target.ts'

/** Stands for content, of which only the presence counts. */
const CONTENT = Readable.from([])

/**
 * Explains a request as if it had been received: its refusal, if its head would be refused, otherwise what `explain`
 * says of it.
 */
export function explainByHead(
  request: CacheRequest,
  explain: (request: CacheRequest) => Awaitable<Explanation>,
): Awaitable<Explanation> {
  const { method, fields } = request
  const url = believedUrl(request)
  const { scheme, target } = splitUrl(url)
  const head = readHead({
    method,
    target,
    version: '1.1',
    fields,
    scheme: scheme === 'https' ? 'https' : 'http',
    local: () => '',
  })
  if (!head.ok) return { request: { method, url }, route: undefined, decision: 'error', why: head.code }
  return explain(head.hasContent ? { ...request, url, body: CONTENT } : { ...request, url })
}

/** Only a trusted proxy can say that a client used https: without one all requests are taken for http. */
function believedUrl({ method, url, peer }: CacheRequest): string {
  if (peer?.trusted === true) return url
  const read = readUrl(url, method, 'http')
  return read.ok ? read.url : url
}
