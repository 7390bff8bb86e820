import { once } from 'node:events'
import { connect } from 'node:net'

export interface Asking {
  readonly method?: string
  readonly path: string
  readonly fields?: readonly string[]
  readonly content?: string
}

/** Sends the requests at once on one connection. @returns all octets received */
export async function wire(url: string, ...requests: readonly Asking[]): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write(requests.map((request, at) => head(request, at === requests.length - 1)).join(''))
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

function head({ method = 'GET', path, fields = [], content }: Asking, last: boolean): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: shop.test', ...fields]
  if (content !== undefined) lines.push('Content-Type: text/plain', `Content-Length: ${content.length}`)
  if (last) lines.push('Connection: close')
  return `${lines.join('\r\n')}\r\n\r\n${content ?? ''}`
}
