import { HerdgateError } from '../../errors.ts'
import type { CacheRequest } from '../../model.ts'
import { cacheStatus } from '../../policy/fields/cache-status.ts'
import { hopsLeft } from '../../policy/fields/max-forwards.ts'
import { problemReply, type Reply } from './reply.ts'

/** The answer to a request that may not be forwarded (Max-Forwards, RFC 9110 section 7.6.2). TRACE is refused. */
export function answerAtLastHop(request: CacheRequest): Reply | undefined {
  const hops = hopsLeft(request)
  if (hops === undefined || hops > 0) return undefined
  if (Number.isNaN(hops)) return problemReply('', new HerdgateError('malformed_request', 'Max-Forwards is malformed'))
  if (request.method === 'TRACE') return problemReply('', new HerdgateError('method_not_allowed'))
  const outcome = { result: 'pass', detail: 'max-forwards' } as const
  const common = ['Cache-Control', 'no-store', 'Cache-Status', cacheStatus(outcome)]
  return { route: '', status: 204, fields: ['Allow', 'GET, HEAD, OPTIONS', ...common], body: undefined, outcome }
}
