/**
 * Generates the load of the hit benchmark, in a process of its own so that it can have its own core. Takes its orders
 * as JSON in the first argument and prints its measurements as JSON.
 */
import { cpuMicroseconds } from '../lib/cpu.ts'
import { drive, getRequest } from '../lib/drive.ts'

export interface GeneratorOrders {
  readonly port: number
  readonly path: string
  readonly bodyBytes: number
  readonly connections: number
  readonly warmUpMs: number
  readonly measureMs: number
  /** The process whose CPU time is measured. */
  readonly serverPid: number
}

interface GeneratorReport {
  readonly requests: number
  readonly seconds: number
  readonly serverCpuMicroseconds: number
}

async function generate(orders: GeneratorOrders): Promise<GeneratorReport> {
  await driveFor(orders.warmUpMs, orders)
  const cpuBefore = cpuMicroseconds(orders.serverPid)
  const began = performance.now()
  const requests = await driveFor(orders.measureMs, orders)
  const seconds = (performance.now() - began) / 1_000
  return { requests, seconds, serverCpuMicroseconds: cpuMicroseconds(orders.serverPid) - cpuBefore }
}

function driveFor(ms: number, { port, path, bodyBytes, connections }: GeneratorOrders): Promise<number> {
  const request = getRequest(port, path)
  const until = performance.now() + ms
  return drive({ port, connections, bodyBytes, next: () => (performance.now() < until ? request : undefined) })
}

const orders: GeneratorOrders = JSON.parse(process.argv[2] ?? '{}')
console.log(JSON.stringify(await generate(orders)))
