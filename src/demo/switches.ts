/** What the dashboard of the demo can do besides watching: change the slow API, send visitors, send a herd. */
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { AdminExtension } from '../ports/admin-port.ts'
import { MAX_PER_SECOND, type Traffic } from './traffic.ts'

export interface SwitchesOptions {
  /** Base URLs of the slow API and of Herdgate, once they are known. */
  readonly origin: () => string
  readonly data: () => string
  /** How often the slow API was asked for a path. */
  readonly hits: (path: string) => number
  readonly traffic: Traffic
  readonly random: () => number
}

/** Clients of a herd. */
const HERD = 100

/** Routes under /v1/demo, and the panel that uses them. They exist in the demo only. */
export function demoSwitches({ origin, data, hits, traffic, random }: SwitchesOptions): AdminExtension {
  const hide = { hide: true }

  /** The slow API checks the change, and answers with its settings. */
  const control = async (change?: unknown): Promise<{ status: number; body: object }> => {
    const init = change === undefined ? {} : { method: 'POST', body: JSON.stringify(change) }
    const response = await fetch(`${origin()}/__control`, init)
    return { status: response.status, body: (await response.json()) as object }
  }

  /** Sends `HERD` clients at once for something that nobody has requested yet. */
  const herd = async () => {
    const path = `/products/${1000 + Math.floor(random() * 900_000)}`
    const before = hits(path)
    const began = performance.now()
    const visits = Array.from({ length: HERD }, async () => (await fetch(data() + path)).arrayBuffer())
    const answered = (await Promise.allSettled(visits)).filter(({ status }) => status === 'fulfilled').length
    const tookMs = Math.round(performance.now() - began)
    return { path, clients: HERD, answered, tookMs, originRequests: hits(path) - before }
  }

  return {
    panels: ['demo-switches.js'],
    routes(scope) {
      const app = scope.withTypeProvider<ZodTypeProvider>()
      app.get('/demo', { schema: hide }, async () => ({ ...(await control()).body, perSecond: traffic.perSecond }))
      app.post('/demo/control', { schema: hide }, async (request, reply) => {
        const { status, body } = await control(request.body)
        return reply.code(status).send(body)
      })
      const visitors = z.strictObject({ perSecond: z.number().min(0).max(MAX_PER_SECOND) })
      app.post('/demo/traffic', { schema: { ...hide, body: visitors } }, async ({ body: { perSecond } }) => {
        traffic.set(perSecond)
        return { perSecond }
      })
      app.post('/demo/herd', { schema: hide }, herd)
    },
  }
}
