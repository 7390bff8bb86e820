/**
 * The slow origin behind the fleet: the first argument is the delay of each response in milliseconds. Prints its
 * address; /requests returns the number of requests.
 */
import { createServer } from 'node:http'
import { contentOf, parseTarget } from './content.ts'

const delayMs = Number(process.argv[2] ?? '50')
const ETAG = '"1"'
let requests = 0

const server = createServer(({ url = '/', headers }, response) => {
  if (url === '/requests') return response.end(String(requests))
  requests++
  setTimeout(() => {
    const target = parseTarget(url)
    if (target === undefined) return response.writeHead(404).end()
    const fields = { ETag: ETAG, 'Cache-Control': `max-age=${target.maxAge}` }
    if (headers['if-none-match'] === ETAG) response.writeHead(304, fields).end()
    else response.writeHead(200, { ...fields, 'Content-Length': target.bytes }).end(contentOf(target))
  }, delayMs)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
})
