/** The admin port's own description (OpenAPI 3.1), and a page to read and try it. Nothing is loaded from elsewhere. */
import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { onlyMethods } from './methods.ts'
import { json, problems } from './problem.ts'

/** The page runs its own scripts and talks to this port; styles are set on elements by its scripts. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const ICON = readFileSync(new URL('../../src/dashboard/icon.svg', import.meta.url))

/** In the order in which the page shows them. */
const TAGS = [
  { name: 'Purging', description: 'removes stored responses, or marks them stale' },
  { name: 'Watching', description: 'shows what happens, and why' },
  { name: 'Running', description: 'for whatever starts, stops and supervises the process' },
]

/** Must be called before the routes that are to be described are added. */
export function describeRoutes(app: FastifyInstance, version: string): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Herdgate admin API',
        description: 'Purge, invalidate, explain and watch. Errors are application/problem+json (RFC 9457).',
        version,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: TAGS,
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    transform: createJsonSchemaTransform({ zodToJsonConfig }),
    transformObject: (document) => withoutUnused(transformObject(document)),
  })
}

type SchemaOptions = NonNullable<NonNullable<Parameters<typeof createJsonSchemaTransform>[0]>['zodToJsonConfig']>

/** zod states the safe integers as the limits of every integer; they are not limits of this API. */
const zodToJsonConfig: SchemaOptions = {
  override({ jsonSchema }) {
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  },
}

const transformObject = createJsonSchemaTransformObject({ zodToJsonConfig })

/** Each component schema is there twice, for requests and for responses; this removes what nothing refers to. */
function withoutUnused(document: ReturnType<typeof transformObject>): ReturnType<typeof transformObject> {
  const schemas = 'components' in document ? (document.components.schemas ?? {}) : {}
  const text = JSON.stringify(document)
  for (const name of Object.keys(schemas)) {
    if (!text.includes(`"#/components/schemas/${name}"`)) delete schemas[name]
  }
  return document
}

/** GET /openapi.json and /docs. */
export function openapiRoutes(app: FastifyInstance): void {
  onlyMethods(app, '/openapi.json', ['GET', 'HEAD'])
  app.get('/openapi.json', {
    schema: {
      operationId: 'openapi',
      tags: ['Running'],
      summary: 'This document',
      response: { 200: json('OpenAPI 3.1.', z.record(z.string(), z.unknown())), ...problems([405]) },
    },
    handler: async (_request, reply) => reply.send(app.swagger()),
  })
  onlyMethods(app, '/docs', ['GET', 'HEAD'])
  app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: PAGE_POLICY,
    logo: { type: 'image/svg+xml', content: ICON },
    theme: {
      title: 'Herdgate admin API',
      favicon: [{ filename: 'icon.svg', rel: 'icon', type: 'image/svg+xml', sizes: 'any', content: ICON }],
    },
    uiConfig: { docExpansion: 'list', persistAuthorization: false, validatorUrl: null },
  })
}
