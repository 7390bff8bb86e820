/**
 * The baseline for a miss: Fastify in front of undici, without any cache. Takes the origin's address in the first
 * argument; prints its own.
 */
import fastify from 'fastify'
import { Pool } from 'undici'

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade'])

const origin = new Pool(process.argv[2] ?? '', { connections: 256 })
const app = fastify({ logger: false })
app.get('/*', async (request, reply) => {
  const headers = endToEnd(request.headers)
  const answer = await origin.request({ path: request.url, method: 'GET', headers })
  return reply.code(answer.statusCode).headers(endToEnd(answer.headers)).send(answer.body)
})
console.log(`listening ${await app.listen({ port: 0, host: '127.0.0.1' })}`)

function endToEnd<T>(headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)))
}
