/** Which requests are admitted. */
import { HerdgateError } from '../errors.ts'
import type { CacheRequest, Route } from '../model.ts'
import { connectionProblem } from './fields/hop-by-hop.ts'
import { matchRoute } from './route.ts'
import { loops } from './fields/via.ts'

export type Checked =
  | { readonly kind: 'admitted'; readonly route: Route }
  /** `route` is the name of the matching route; empty if none matched. */
  | { readonly kind: 'refused'; readonly route: string; readonly error: HerdgateError }

/** The route of a request, unless it loops or its Connection is refused (see `connectionProblem`). */
export function admit(routes: readonly Route[], { method, url, fields }: CacheRequest): Checked {
  const route = matchRoute(routes, method, url)
  if (typeof route === 'string') return refused('', new HerdgateError(route))
  if (loops(fields, route.rules.via)) return refused(route.name, new HerdgateError('loop'))
  const wrong = connectionProblem(fields)
  if (wrong !== undefined) return refused(route.name, new HerdgateError('malformed_request', wrong))
  return { kind: 'admitted', route }
}

const refused = (route: string, error: HerdgateError): Checked => ({ kind: 'refused', route, error })
