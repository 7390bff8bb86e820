import { connect, type Socket } from 'node:net'

/** How long a connection may be silent while a response is due. */
const SILENCE_MS = 10_000

export interface Drive {
  readonly port: number
  readonly connections: number
  /** The bytes of the next request; undefined when there are no more. */
  readonly next: () => Buffer | undefined
  /** Every response must be a 200 with this many octets of content. */
  readonly bodyBytes: number
}

/**
 * Sends requests over keep-alive connections, one at a time on each, until there are no more. Parses no more of a
 * response than is needed to know that it is complete and right.
 * @returns how many were answered; rejects at the first response that is not as expected
 */
export async function drive({ port, connections, next, bodyBytes }: Drive): Promise<number> {
  const lanes = Array.from({ length: connections }, () => driveConnection(port, next, bodyBytes))
  const answered = await Promise.all(lanes)
  return answered.reduce((sum, count) => sum + count, 0)
}

/** A GET as a plain client sends it. */
export function getRequest(port: number, path: string): Buffer {
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: herdgate-bench\r\nAccept: */*\r\n\r\n`,
    'latin1',
  )
}

function driveConnection(port: number, next: Drive['next'], bodyBytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let answered = 0
    let pending: Buffer | undefined

    const send = (): void => {
      const request = next()
      if (request === undefined) finish(socket, () => resolve(answered))
      else socket.write(request)
    }
    socket.on('connect', send)
    socket.on('data', (chunk: Buffer) => {
      const response = pending === undefined ? chunk : Buffer.concat([pending, chunk])
      const missing = missingBytes(response, bodyBytes)
      if (missing < 0 || !isOk(response)) {
        socket.destroy(new Error(`unexpected response: ${headOf(response)}`))
      } else if (missing > 0) {
        pending = response
      } else {
        pending = undefined
        answered += 1
        send()
      }
    })
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error('a response stayed incomplete')))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server closed a connection'))) // no effect once resolved
  })
}

function finish(socket: Socket, done: () => void): void {
  done()
  socket.destroy()
}

/** Octets of a response still to come; negative if it is longer than it should be. */
function missingBytes(response: Buffer, bodyBytes: number): number {
  const headEnd = response.indexOf('\r\n\r\n')
  return headEnd === -1 ? 1 : headEnd + 4 + bodyBytes - response.length
}

/** Whether what has arrived begins with `HTTP/1.1 200`. */
const isOk = (response: Buffer): boolean =>
  response.length < 12 || (response[9] === 0x32 && response[10] === 0x30 && response[11] === 0x30)

const headOf = (response: Buffer): string => response.toString('latin1').split('\r\n\r\n')[0] ?? ''
