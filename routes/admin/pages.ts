/** What routes/admin/late-pages.ts loads late. */
import type { FastifyInstance } from 'fastify'
import { dashboardRoutes } from './dashboard.ts'
import { describeRoutes, openapiRoutes } from './openapi.ts'

export interface PagesOptions {
  readonly version: string
  /** See `dashboardRoutes`. */
  readonly panels: readonly string[]
}

/** GET /openapi.json, /docs and /dashboard. Must be called before the routes that are to be described are added. */
export function pages(app: FastifyInstance, { version, panels }: PagesOptions): void {
  describeRoutes(app, version)
  app.register(async (scope) => {
    openapiRoutes(scope)
    dashboardRoutes(scope, panels)
  })
}
