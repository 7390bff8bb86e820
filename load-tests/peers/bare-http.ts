/**
 * The baseline for any cache in Node: node:http that sends bytes it already has, and nothing else. Takes the fields of
 * the responses and the sizes of their bodies by path as JSON in the first argument; prints its address.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Given } from '../lib/given.ts'

const given: Given = JSON.parse(process.argv[2] ?? '{}')
const headers = given.fields
const bodies = new Map(Object.entries(given.bodyBytes).map(([path, bytes]) => [path, Buffer.alloc(bytes, '.')]))

const server = createServer((request, response) => {
  const body = bodies.get(request.url ?? '')
  if (body === undefined) {
    response.writeHead(404).end()
  } else if (request.headers['if-none-match'] === given.etag) {
    response.writeHead(304, headers).end()
  } else {
    response.writeHead(200, { ...headers, 'Content-Length': body.length }).end(body)
  }
})
server.listen(0, '127.0.0.1', () => console.log(`listening http://127.0.0.1:${(server.address() as AddressInfo).port}`))
