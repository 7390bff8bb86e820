/**
 * A minimal load balancer: round robin over the nodes that are ready according to /readyz. It retries nothing, so that
 * a request dropped by a node fails.
 */
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Node } from './node.ts'

export interface Balancer extends AsyncDisposable {
  readonly url: string
}

const ASKED_EVERY_MS = 100
/** A node that takes longer is not ready. */
const ANSWERED_IN_MS = 5_000

export async function startBalancer(nodes: readonly Node[]): Promise<Balancer> {
  const ready = new Set(nodes)
  let turn = 0
  const closing = new AbortController()
  const watching = nodes.map(async (node) => {
    while (!closing.signal.aborted) {
      if (await isReady(node)) ready.add(node)
      else ready.delete(node)
      await sleep(ASKED_EVERY_MS)
    }
  })
  const agent = new Agent({ keepAlive: true })
  const server = createServer((asked, answer) => {
    const node = [...ready][turn++ % ready.size]
    if (node === undefined) refuse(answer, 503, 'no node is ready')
    else pass(asked, answer, node.url, agent)
  })
  server.keepAliveTimeout = 120_000 // the balancer is never the one to hang up
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    async [Symbol.asyncDispose]() {
      closing.abort()
      await Promise.all(watching)
      server.close()
      server.closeAllConnections()
      agent.destroy()
    },
  }
}

async function isReady({ admin }: Node): Promise<boolean> {
  try {
    const { ok } = await fetch(`${admin}/readyz`, { signal: AbortSignal.timeout(ANSWERED_IN_MS) })
    return ok
  } catch {
    return false
  }
}

function pass({ method, url, headers }: IncomingMessage, answer: ServerResponse, node: string, agent: Agent): void {
  const forwarded = request(node + (url ?? '/'), { method, headers, agent }, (response) => {
    const { connection: _, 'keep-alive': __, ...fields } = response.headers // hop-by-hop
    answer.writeHead(response.statusCode ?? 502, fields)
    pipeline(response, answer, () => {})
  })
  forwarded.on('error', (error) => {
    if (answer.headersSent) answer.destroy()
    else refuse(answer, 502, error.message)
  })
  forwarded.end()
}

function refuse(answer: ServerResponse, status: number, why: string): void {
  console.error(`balancer: ${why}`)
  answer.writeHead(status).end(`${why}\n`)
}
