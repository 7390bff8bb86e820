import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Connections that may wait to be accepted: enough that no client of a herd has to try again. */
const BACKLOG = 4_096

interface Address {
  readonly host: string
  readonly port: number
}

/**
 * Opens the admin port, which reports whether the rest is ready, then starts the rest. If that fails, the admin port is
 * closed again.
 * @returns the base URLs of both
 */
export async function listenBeside(
  admin: FastifyInstance,
  at: Address,
  begin: () => Promise<string>,
): Promise<{ data: string; admin: string }> {
  const adminUrl = await listenOn(admin, at)
  try {
    return { data: await begin(), admin: adminUrl }
  } catch (error) {
    await admin.close()
    throw error
  }
}

/** @returns the base URL at which it is reached from this machine */
export async function listenOn(app: FastifyInstance, { host, port }: Address): Promise<string> {
  await app.listen({ host, port, backlog: BACKLOG })
  const { address, family, port: bound } = app.server.address() as AddressInfo
  const any = address === '0.0.0.0' || address === '::'
  const shown = any ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `http://${shown}:${bound}`
}
