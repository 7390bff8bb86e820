/** Faults, made when a scenario wants them. */
import { check } from 'k6'
import http from 'k6/http'
import { environment } from './environment.ts'

/**
 * Done when it has happened; a node that is restarted has finished what it had in flight, has ended with 0, and is ready
 * again. That it succeeds is checked.
 */
export async function make(fault: Fault): Promise<void> {
  const params = { tags: { to: 'control' }, timeout: '60s' }
  const { status } = await http.asyncRequest('POST', `${environment.control}/${fault}`, null, params)
  check(status, { [`${fault} succeeds`]: () => status === 204 })
}

export type Fault = 'origin/stop' | 'origin/start' | 'redis/stop' | 'redis/start' | `nodes/${number}/restart`
