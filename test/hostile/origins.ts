/** The two origins of the hostile table. Both record every request they get, complete or not, in one list. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listen } from '../support/raw-origin.ts'

/** A request as an origin received it. */
export interface Seen {
  readonly method: string
  readonly target: string
  readonly fields: readonly string[]
  content: string
  /** Did it arrive completely? */
  whole: boolean
}

export interface HostileOrigin {
  readonly url: string
  /** Errors for input that is not HTTP. */
  readonly malformed: string[]
  close(): Promise<void>
}

type Answer = (seen: Seen, response: ServerResponse) => void

async function startOrigin(seen: Seen[], answer: Answer): Promise<HostileOrigin> {
  const malformed: string[] = []
  const server = createServer({ keepAliveTimeout: 60_000, requireHostHeader: false, maxHeaderSize: 1 << 20 })
  server.on('request', (message: IncomingMessage, response) => {
    const { method = '', url = '', rawHeaders } = message
    const request: Seen = { method, target: url, fields: rawHeaders, content: '', whole: false }
    seen.push(request)
    message.setEncoding('latin1').on('data', (text: string) => (request.content += text))
    message.on('error', () => {})
    message.on('end', () => {
      request.whole = true
      answer(request, response)
    })
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // A connection that ends within a request is an aborted request, not a malformed one.
    if (error.code !== 'ECONNRESET' && error.code !== 'HPE_INVALID_EOF_STATE') malformed.push(String(error))
    socket.destroy()
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}`,
    malformed,
    async close() {
      server.close()
      server.closeAllConnections()
      if (server.listening) await once(server, 'close')
    },
  }
}

/**
 * Reflects the request in an answer that is fresh for an hour. Query parameters: `vary` lists the members of Vary;
 * `location` is written after `Location: `, decoded once, line breaks included.
 */
export function startEcho(log: Seen[]): Promise<HostileOrigin> {
  return startOrigin(log, (seen, response) => {
    const parameters = new URL(seen.target, 'http://origin').searchParams
    const location = parameters.get('location')
    if (location !== null) {
      response.socket?.write(redirect(location), 'latin1')
      response.emit('finish') // so that node:http considers it done
      return
    }
    const vary = parameters.get('vary')
    response.writeHead(200, { 'Cache-Control': 'max-age=3600', ...(vary !== null && { Vary: vary }) })
    response.end(reflection(seen))
  })
}

const redirect = (location: string): string =>
  `HTTP/1.1 302 Found\r\nCache-Control: max-age=3600\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`

const reflection = ({ method, target, fields, content }: Seen): string =>
  JSON.stringify({ method, target, fields, content })

/** Fields that a gateway writes, or that are harmless. */
const PLAIN = new Set([
  'host',
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'surrogate-capability',
  'connection',
])

/**
 * Rejects everything unusual with an error that may be stored for a minute: 400 or the `status` of the query, and 431
 * above 8 KiB. `vary` in the query lists the members of Vary.
 */
export function startStrict(log: Seen[]): Promise<HostileOrigin> {
  return startOrigin(log, (seen, response) => {
    const names = seen.fields.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
    const isPlain = seen.method === 'GET' && seen.content === '' && names.every((name) => PLAIN.has(name))
    const parameters = new URL(seen.target, 'http://origin').searchParams
    const refusal = seen.fields.join('').length > LARGEST_HEAD ? 431 : Number(parameters.get('status') ?? 400)
    const vary = parameters.get('vary')
    response.writeHead(isPlain ? 200 : refusal, { 'Cache-Control': 'max-age=60', ...(vary !== null && { Vary: vary }) })
    response.end(isPlain ? `clean ${seen.target}` : 'refused')
  })
}

const LARGEST_HEAD = 8 * 1024
