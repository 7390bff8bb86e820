/** Herdgate as its clients and its operators see it. */
import http from 'k6/http'
import { environment } from './environment.ts'
import { textOf } from './text.ts'

export interface Answer {
  /** 0 if there was no response. */
  readonly status: number
  /** Version of the resource, from the body. */
  readonly version: number
  readonly body: string
  readonly age: number | undefined
  readonly cacheStatus: string
  readonly isHit: boolean
  readonly isStale: boolean
  readonly ms: number
}

/** Sends a GET to a node. @param node its base URL; default: any of them */
export async function get(path: string, node: string = anyOf(environment.nodes)): Promise<Answer> {
  const response = await http.asyncRequest('GET', node + path, null, { tags: { to: 'herdgate', name: 'resource' } })
  const cacheStatus = response.headers['Cache-Status'] ?? ''
  const body = textOf(response.body)
  return {
    status: response.status,
    version: Number(body.split(' ')[0]),
    body,
    age: response.headers['Age'] === undefined ? undefined : Number(response.headers['Age']),
    cacheStatus,
    isHit: /\bherdgate; *hit\b/.test(cacheStatus),
    isStale: /\bttl=-\d/.test(cacheStatus),
    ms: response.timings.duration,
  }
}

/** What the origin returns for a resource at this version. */
export const bodyOf = (path: string, version: number = 1): string => `${version} ${path}\n`

/** Purges by a tag. @returns the status: 200 acknowledged by all nodes, 202 not yet by all, 503 not logged */
export async function purge(tag: string, admin: string = anyOf(environment.admins)): Promise<number> {
  const headers = { Authorization: `Bearer ${environment.adminToken}` }
  const tags = { to: 'admin' }
  const { status } = await http.asyncRequest('POST', `${admin}/v1/purge/tags/${tag}`, null, { headers, tags })
  return status
}

/** Status and body of `/readyz`. */
export async function readiness(admin: string): Promise<{ status: number; body: string }> {
  const { status, body } = await http.asyncRequest('GET', `${admin}/readyz`, null, { tags: { to: 'admin' } })
  return { status, body: textOf(body) }
}

export interface ProcessState {
  readonly residentBytes: number
  /** Lag of the event loop since the last scrape. */
  readonly eventLoopP99Ms: number
}

export async function processState(admin: string): Promise<ProcessState> {
  const { body } = await http.asyncRequest('GET', `${admin}/metrics`, null, { tags: { to: 'admin' } })
  const metrics = textOf(body)
  const of = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1])
  return {
    residentBytes: of('process_resident_memory_bytes'),
    eventLoopP99Ms: of('nodejs_eventloop_lag_p99_seconds') * 1_000,
  }
}

export function anyOf<T>(choices: readonly T[]): T {
  const chosen = choices[Math.floor(Math.random() * choices.length)]
  if (chosen === undefined) throw new Error('there is nothing to choose from')
  return chosen
}
