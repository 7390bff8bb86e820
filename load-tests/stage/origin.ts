/**
 * The slow origin of the scenarios: `node load-tests/stage/origin.ts DELAY_MS [PORT]`. Every path is a resource; its
 * body states its version, its tag is the first segment of its path. Prints its address.
 *
 * - below `/brief/` resources are fresh for a second, elsewhere for an hour; below `/large/` they have 16 KiB
 * - `POST /__change?path=..` gives one its next version and returns it
 * - `GET /__requests?prefix=..` returns the number of requests for paths with that prefix, and of such paths
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const LARGE = 16 * 1_024

const [delayMs = 100, port = 0] = process.argv.slice(2).map(Number)
const versions = new Map<string, number>()
const requests = new Map<string, number>()

const versionOf = (path: string): number => versions.get(path) ?? 1

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://origin')
  if (pathname === '/__requests') return void response.end(requestsFor(searchParams.get('prefix') ?? ''))
  if (pathname === '/__change') return void response.end(String(change(searchParams.get('path') ?? '')))
  requests.set(pathname, (requests.get(pathname) ?? 0) + 1)
  const version = versionOf(pathname) // as of the request, so that a fetch in flight returns an old one
  setTimeout(() => send(pathname, version, request, response), delayMs)
}

function send(path: string, version: number, { headers }: IncomingMessage, response: ServerResponse): void {
  const [, folder = ''] = path.split('/')
  const etag = `"${version}"`
  const fields = {
    'Cache-Control': `max-age=${folder === 'brief' ? 1 : 3_600}`,
    'Content-Type': 'text/plain',
    'Surrogate-Key': folder,
    ETag: etag,
  }
  if (headers['if-none-match'] === etag) return void response.writeHead(304, fields).end()
  const body = `${version} ${path}\n`
  response.writeHead(200, fields).end(folder === 'large' ? body.padEnd(LARGE, '.') : body)
}

function requestsFor(prefix: string): string {
  const counts = [...requests].filter(([path]) => path.startsWith(prefix)).map(([, count]) => count)
  return JSON.stringify({ requests: counts.reduce((sum, count) => sum + count, 0), paths: counts.length })
}

function change(path: string): number {
  const version = versionOf(path) + 1
  versions.set(path, version)
  return version
}

const server = createServer(answer)
server.listen(port, '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
})
