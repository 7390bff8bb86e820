import { startServer, type Server } from './processes.ts'

export interface Herdgate extends Server {
  readonly dataPort: number
  readonly adminUrl: string
}

/** Starts the built command line in front of an origin, on free loopback ports. */
export async function startHerdgate(
  origin: string,
  flags: readonly string[] = [],
  nodeFlags: readonly string[] = [],
): Promise<Herdgate> {
  const ports = ['--host', '127.0.0.1', '--port', '0', '--admin-port', '0']
  const args = [...nodeFlags, 'dist/src/cli.js', '--origin', origin, ...ports, ...flags]
  const server = await startServer('server', args)
  const [data, admin] = server.urls
  if (data === undefined || admin === undefined) throw new Error('its listening line names no two addresses')
  return { ...server, dataPort: portOf(data), adminUrl: admin }
}

export const portOf = (url: string): number => Number(new URL(url).port)
