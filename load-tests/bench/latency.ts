/**
 * Clients that request a hit at a steady pace. Takes its orders as JSON in the first argument and prints milliseconds
 * per response as JSON. A request delayed by a late response before it is measured from when it was due.
 */
import { Agent, get } from 'node:http'

export interface LatencyOrders {
  readonly port: number
  readonly path: string
  readonly clients: number
  /** Milliseconds between two requests of a client. */
  readonly everyMs: number
  readonly forMs: number
}

async function measure(orders: LatencyOrders): Promise<number[]> {
  const lanes = Array.from({ length: orders.clients }, (_, at) => ask(orders, (at / orders.clients) * orders.everyMs))
  return (await Promise.all(lanes)).flat()
}

async function ask({ port, path, everyMs, forMs }: LatencyOrders, offsetMs: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const latencies: number[] = []
  const began = performance.now()
  for (let due = began + offsetMs; due < began + forMs; due += everyMs) {
    const early = due - performance.now()
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
    const since = early > 0 ? performance.now() : due
    await answered(port, path, agent)
    latencies.push(performance.now() - since)
  }
  agent.destroy()
  return latencies
}

function answered(port: number, path: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ port, path, agent, host: '127.0.0.1' }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`))
      response.resume().once('end', resolve).once('error', reject)
    })
    request.once('error', reject)
  })
}

const orders: LatencyOrders = JSON.parse(process.argv[2] ?? '{}')
console.log(JSON.stringify(await measure(orders)))
