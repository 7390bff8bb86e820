/**
 * Clients that all request the same new resource at once, each on its own connection. Takes its orders as JSON in the
 * first argument; prints its measurements as JSON.
 */
import { connect, type Socket } from 'node:net'
import { cpuMicroseconds } from '../lib/cpu.ts'
import { getRequest } from '../lib/drive.ts'

export interface CrowdOrders {
  readonly port: number
  readonly path: string
  readonly clients: number
  readonly bodyBytes: number
  /** The process whose CPU time is measured. */
  readonly serverPid: number
}

const COMING_AT_ONCE = 100
const PATIENCE_MS = 30_000

async function crowd({ port, path, clients, bodyBytes, serverPid }: CrowdOrders) {
  const sockets: Socket[] = []
  while (sockets.length < clients) {
    const more = Array.from({ length: Math.min(COMING_AT_ONCE, clients - sockets.length) }, () => connected(port))
    sockets.push(...(await Promise.all(more)))
  }
  const request = getRequest(port, path)
  const cpuBefore = cpuMicroseconds(serverPid)
  const began = performance.now()
  const answers = await Promise.all(sockets.map((socket) => answered(socket, request, bodyBytes)))
  const ms = answers.filter((at) => at !== undefined).map((at) => at - began)
  const cpu = cpuMicroseconds(serverPid) - cpuBefore
  for (const socket of sockets) socket.destroy()
  return { ms, failed: clients - ms.length, serverCpuMicroseconds: cpu }
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('connect', () => resolve(socket)).once('error', reject)
  })
}

/** When the last octet arrived; undefined if the response is not a 200 of that length, or never arrived. */
function answered(socket: Socket, request: Buffer, bodyBytes: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    let response = ''
    socket.removeAllListeners('error')
    socket.on('data', (chunk: Buffer) => {
      response += chunk.toString('latin1')
      const head = response.indexOf('\r\n\r\n')
      if (head < 0 || response.length < head + 4 + bodyBytes) return
      resolve(response.startsWith('HTTP/1.1 200') ? performance.now() : undefined)
    })
    const failed = () => resolve(undefined)
    socket.once('error', failed).once('close', failed).setTimeout(PATIENCE_MS, failed)
    socket.write(request)
  })
}

const orders: CrowdOrders = JSON.parse(process.argv[2] ?? '{}')
console.log(JSON.stringify(await crowd(orders)))
