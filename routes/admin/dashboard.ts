/** The dashboard: a page that shows what the admin API reports. It holds no data, so it needs no token. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { onlyMethods } from './methods.ts'

/** The page loads everything from this port and connects only to it; no other may frame it. */
const PAGE_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

const PAGE = fileURLToPath(new URL('../../src/dashboard', import.meta.url))
/** The plotting library, from its package. */
const UPLOT = dirname(fileURLToPath(import.meta.resolve('uplot')))
const UPLOT_FILES = ['uPlot.esm.js', 'uPlot.min.css']

/**
 * GET /dashboard and what it loads.
 * @param panels file names of modules to be loaded with it; `/dashboard/panels.json` lists them
 */
export function dashboardRoutes(app: FastifyInstance, panels: readonly string[]): void {
  const hidden = { schema: { hide: true } }
  app.register(async (scope) => {
    scope.addHook('onSend', async (_request, reply) => {
      reply.header('Content-Security-Policy', PAGE_POLICY)
      reply.header('Referrer-Policy', 'no-referrer')
    })
    scope.register(fastifyStatic, {
      root: PAGE,
      prefix: '/dashboard/',
      wildcard: false, // only the files that are there at the start
      globIgnore: ['**/*.{json,ts}'],
      index: false,
      cacheControl: false,
      schemaHide: true,
    })
    onlyMethods(scope, '/dashboard', ['GET', 'HEAD'])
    scope.get('/dashboard', hidden, (_request, reply) => reply.sendFile('index.html'))
    // Relative, as a gateway may serve the admin port below a path.
    scope.get('/dashboard/', hidden, (_request, reply) => reply.redirect('../dashboard', 308))
    for (const name of UPLOT_FILES) {
      scope.get(`/dashboard/${name}`, hidden, (_request, reply) => reply.sendFile(name, UPLOT))
    }
    scope.get('/dashboard/panels.json', hidden, async (_request, reply) => reply.send(panels))
  })
}
