import type { FastifyInstance } from 'fastify'
import { METHODS } from '../node-http.ts'

/**
 * Lets routes be added for every method that node:http parses; Fastify itself knows only a few. CONNECT never reaches a
 * route (connect.ts).
 */
export function acceptEveryMethod(app: FastifyInstance): void {
  for (const method of METHODS) {
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true })
  }
}
