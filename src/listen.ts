import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** @returns the base URL at which it is reached from this machine */
export async function listenOn(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  await app.listen({ host, port })
  const { address, family, port: bound } = app.server.address() as AddressInfo
  const any = address === '0.0.0.0' || address === '::'
  const shown = any ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `http://${shown}:${bound}`
}
