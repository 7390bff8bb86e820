/** The origin of the benchmarks: 1 KiB at any path, 8 MiB at `/large`, fresh for an hour. Prints its address. */
import { createServer } from 'node:http'

const large = Buffer.alloc(8 * 2 ** 20, 'large ')

const server = createServer((request, response) => {
  if (request.method === 'POST') return // never answered: its content never ends
  const isLarge = request.url === '/large'
  const body = isLarge ? large : Buffer.from((request.url ?? '/').padEnd(1_024, '.').slice(0, 1_024))
  response.writeHead(200, {
    'Content-Type': 'text/plain',
    'Content-Length': body.length,
    'Cache-Control': 'max-age=3600',
    ETag: '"1"',
  })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
})
