/**
 * What Herdgate's hit is compared with: a Fastify route that returns bytes it already has. Takes the response's
 * fields and its body as JSON in the first argument; prints its address.
 */
import fastify from 'fastify'

interface Given {
  readonly fields: Record<string, string>
  readonly body: string
}

const { fields, body }: Given = JSON.parse(process.argv[2] ?? '{}')
const bytes = Buffer.from(body)
const app = fastify({ logger: false })
app.get('/hit', (_request, reply) => reply.headers(fields).send(bytes))
console.log(`listening ${await app.listen({ port: 0, host: '127.0.0.1' })}`)
