/**
 * The baseline for a hit: Fastify routes that send bytes they already have. Takes the fields of the responses and the
 * sizes of their bodies by path as JSON in the first argument; prints its address.
 */
import fastify from 'fastify'
import type { Given } from './given.ts'

const given: Given = JSON.parse(process.argv[2] ?? '{}')
const app = fastify({ logger: false })
for (const [path, bytes] of Object.entries(given.bodyBytes)) {
  const body = Buffer.alloc(bytes, '.')
  app.get(path, (request, reply) => {
    reply.headers(given.fields)
    return request.headers['if-none-match'] === given.etag ? reply.code(304).send() : reply.send(body)
  })
}
console.log(`listening ${await app.listen({ port: 0, host: '127.0.0.1' })}`)
