import { z } from 'zod'
import { runJson, type Server } from '../lib/processes.ts'
import type { CrowdOrders } from './crowd.ts'
import { type Peer, SMALL, timesAsked } from './servers.ts'

export const CLIENTS = 1_000

/** Measurements of a cold herd in one round. */
export interface HerdRound {
  readonly originRequests: number
  /** From the first request to half of the responses, and to the last. */
  readonly medianMs: number
  readonly lastMs: number
  readonly failed: number
  readonly serverCpuMs: number
}

/** What crowd.ts prints. */
const crowdReport = z.object({ ms: z.number().array(), failed: z.number(), serverCpuMicroseconds: z.number() })

/** Has all clients request at once what the server has not stored. */
export async function meetHerd({ port, server }: Peer, origin: Server, path: string): Promise<HerdRound> {
  const orders: CrowdOrders = { port, path, clients: CLIENTS, bodyBytes: SMALL.bytes, serverPid: server.pid }
  const report = await runJson('generator', ['load-tests/peers/crowd.ts', JSON.stringify(orders)], crowdReport)
  const ms = report.ms.toSorted((one, other) => one - other)
  return {
    originRequests: await timesAsked(origin, path),
    medianMs: ms[ms.length >> 1] ?? Number.NaN,
    lastMs: ms.at(-1) ?? Number.NaN,
    failed: report.failed,
    serverCpuMs: report.serverCpuMicroseconds / 1_000,
  }
}
