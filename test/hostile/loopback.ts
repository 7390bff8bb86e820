/** The origin behind a data port and the port itself, on free ports of the loopback address. */
import type { Server } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { systemClock } from '../../src/clock.ts'
import { DEFAULT_TRANSPORT } from '../../src/config/defaults.ts'
import type { Origin } from '../../src/model.ts'
import { createOrigin } from '../../src/origin/pool-origin.ts'
import { listen } from '../support/raw-origin.ts'

/** What a test has to close, in the reverse order. */
export type Closing = (() => unknown)[]

/** Has the server listen, and returns the transport to it. */
export async function originAt(server: Server, closing: Closing): Promise<Origin> {
  const url = `http://127.0.0.1:${await listen(server)}`
  closing.push(
    () => server.close(),
    () => server.closeAllConnections(),
  )
  const origin = createOrigin({ name: 'origin', urls: [url], ...DEFAULT_TRANSPORT }, systemClock)
  closing.push(() => origin.close(AbortSignal.abort()))
  return origin
}

export interface OpenPort {
  readonly port: number
  /** How many clients are connected. */
  connections(): Promise<number>
}

/** Has the data port listen. */
export async function openPort(app: FastifyInstance, closing: Closing): Promise<OpenPort> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  closing.push(
    () => app.close(),
    () => app.server.closeAllConnections(),
  )
  const connections = (): Promise<number> =>
    new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count)))
  return { port: Number(new URL(app.listeningOrigin).port), connections }
}
