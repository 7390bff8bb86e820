import type { FastifyInstance, InjectOptions } from 'fastify'
import { pino } from 'pino'
import { type AdminParts, createAdmin } from '../../src/ports/admin-port.ts'
import type { Explanation } from '../../src/cache/http/explain.ts'
import type { Statistics } from '../../src/cache/statistics.ts'
import type { CacheRequest, Receipt } from '../../src/model.ts'
import type { Targets } from '../../src/cache/targets.ts'

export const ADMIN_TOKEN = 'a-token-of-32-characters-or-more'
export const AUTHORIZED = { authorization: `Bearer ${ADMIN_TOKEN}` }

/** The admin listener of a fake cache that records its calls. */
export function fakeAdmin(parts: Partial<AdminParts> = {}) {
  const asked: { verb: string; targets: Targets }[] = []
  const explained: CacheRequest[] = []
  const logged: string[] = []
  const receipt: Receipt = { id: 'g-7', position: 7, nodes: { expected: 1, acked: 1 } }
  const answers = { receipt, append: async () => answers.receipt }
  const cache: AdminParts['cache'] = {
    purge: (targets) => (asked.push({ verb: 'purge', targets }), answers.append()),
    invalidate: (targets) => (asked.push({ verb: 'invalidate', targets }), answers.append()),
    explain: async (request): Promise<Explanation> => {
      explained.push(request)
      return { request, route: 'default', decision: 'fetch', why: 'uri-miss' }
    },
    stats: (): Statistics => {
      throw new Error('at /srv/secret/path')
    },
  }
  const app = createAdmin({
    cache,
    metrics: { render: async (accept) => ({ contentType: 'text/plain; version=0.0.4', body: `accept ${accept}\n` }) },
    live: { watch: () => () => {} },
    token: ADMIN_TOKEN,
    logger: pino({}, { write: (line: string) => void logged.push(line) }),
    ready: () => ({ ready: true, degraded: [] }),
    reload: () => ({ ok: true, needsRestart: [] }),
    version: '1.2.3',
    ...parts,
  })
  return { app, asked, explained, logged, answers }
}

export const post = (app: FastifyInstance, url: string, payload?: InjectOptions['payload'], headers = {}) =>
  app.inject({ method: 'POST', url, headers: { ...AUTHORIZED, ...headers }, ...(payload !== undefined && { payload }) })

export const get = (app: FastifyInstance, url: string, headers: Record<string, string> = AUTHORIZED) =>
  app.inject({ method: 'GET', url, headers })
