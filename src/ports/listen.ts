import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Connections that wait to be accepted: of a herd that comes at once nobody is to be sent away to try again. */
const BACKLOG = 4_096

/** @returns the base URL at which it is reached from this machine */
export async function listenOn(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  await app.listen({ host, port, backlog: BACKLOG })
  const { address, family, port: bound } = app.server.address() as AddressInfo
  const any = address === '0.0.0.0' || address === '::'
  const shown = any ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `http://${shown}:${bound}`
}
