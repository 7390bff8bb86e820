/** The origin of the cold herd: slow; `/asked` returns the number of requests for each path. Prints its address. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const TAKES_MS = 100
const body = Buffer.alloc(1_024, '.')
const asked: Record<string, number> = {}

const server = createServer((request, response) => {
  const path = request.url ?? ''
  if (path === '/asked') {
    response.end(JSON.stringify(asked))
    return
  }
  asked[path] = (asked[path] ?? 0) + 1
  setTimeout(() => {
    const fields = { 'Content-Type': 'text/plain', 'Content-Length': body.length, 'Cache-Control': 'max-age=3600' }
    response.writeHead(200, fields).end(body)
  }, TAKES_MS)
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  console.log(`listening http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
