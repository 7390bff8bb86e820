/** The origin of the benchmarks: 1 KiB at any path, fresh for an hour. Prints its port. */
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  const body = (request.url ?? '/').padEnd(1_024, '.').slice(0, 1_024)
  response.writeHead(200, {
    'Content-Type': 'text/plain',
    'Content-Length': 1_024,
    'Cache-Control': 'max-age=3600',
    ETag: '"1"',
  })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
})
