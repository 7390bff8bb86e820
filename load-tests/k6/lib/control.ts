/** Faults that a scenario triggers. */
import { check } from 'k6'
import http from 'k6/http'
import { environment } from './environment.ts'

/**
 * Triggers a fault, checks that this succeeds, and resolves when it has happened: a restarted node has then finished
 * what was in flight, exited with 0, and become ready again.
 */
export async function make(fault: Fault): Promise<void> {
  const params = { tags: { to: 'control' }, timeout: '60s' }
  const { status } = await http.asyncRequest('POST', `${environment.control}/${fault}`, null, params)
  check(status, { [`${fault} succeeds`]: () => status === 204 })
}

export type Fault = 'origin/stop' | 'origin/start' | 'redis/stop' | 'redis/start' | `nodes/${number}/restart`
