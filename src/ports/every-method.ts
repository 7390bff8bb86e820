import type { FastifyInstance } from 'fastify'
import { METHODS } from '../node-http.ts'

/**
 * Lets routes be added for every method that node:http reads; of itself Fastify knows but a few. CONNECT never comes to a
 * route (connect.ts).
 */
export function takeEveryMethod(app: FastifyInstance): void {
  for (const method of METHODS) {
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true })
  }
}
