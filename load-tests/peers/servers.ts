import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { portOf, startHerdgate } from '../lib/herdgate.ts'
import { freePort } from '../lib/free-port.ts'
import { type Server, startAnnouncing, startServer, startUnannounced } from '../lib/processes.ts'
import { CACHE_PROGRAMS, type CacheProgram } from './configurations.ts'
import type { Given } from '../lib/given.ts'
import { pathOf } from './programs.ts'

export const HERDGATE = 'Herdgate'
/** Herdgate's own hit, as a rival of its other answers. */
export const OWN_HIT = 'Herdgate, hit of 1 KiB'
export const CEILING = 'C loop'
export const BARE_HTTP = 'node:http, bare'
export const BARE_FASTIFY = 'Fastify, bare route'
export const BARE_PROXY = 'Fastify and undici, no cache'

/** `cache` takes part in every scenario; `bytes` sends prepared bytes; `proxy` asks the origin every time. */
export type Role = 'cache' | 'bytes' | 'proxy'

export interface Peer {
  readonly name: string
  readonly role: Role
  readonly port: number
  readonly server: Server
  /** Whether it has a JIT compiler, and so needs to warm up. */
  readonly isCompiling: boolean
  readonly except?: CacheProgram['except']
}

/** All servers, Herdgate first. */
export type Peers = readonly [Peer, ...Peer[]]

/** Path and content length in octets. */
export const SMALL = { path: '/hit', bytes: 1_024 } as const
export const LARGE = { path: '/64k', bytes: 65_536 } as const
export const ETAG = '"1"'

/** Fields of the origin's responses. */
export const originFields = (): string =>
  `Content-Type: text/plain\r\nCache-Control: max-age=3600\r\nETag: ${ETAG}\r\nDate: ${new Date().toUTCString()}\r\n`

/** Whether the server of that name takes part; Herdgate always does. */
export type TakesPart = (name: string) => boolean

/** Starts the installed caches in front of an origin, Herdgate first. */
export async function startCaches(
  scope: AsyncDisposableStack,
  folder: string,
  origin: Server,
  takesPart: TakesPart,
): Promise<Peers> {
  const herdgate = scope.use(await startHerdgate(origin.urls[0] ?? '', ['--memory', '256MiB', '--log-level', 'warn']))
  const peers: [Peer, ...Peer[]] = [
    {
      name: HERDGATE,
      role: 'cache',
      port: herdgate.dataPort,
      server: herdgate,
      isCompiling: true,
    },
  ]
  for (const cache of CACHE_PROGRAMS) {
    const program = pathOf(cache.program)
    if (program === undefined || !takesPart(cache.name)) continue
    const port = await freePort()
    const own = join(folder, `${cache.program}-${port}`)
    mkdirSync(own)
    chmodSync(own, 0o777) // some of them go on as a user of their own
    const args = cache.configure({ folder: own, port, originPort: portOf(origin.urls[0] ?? '') })
    const server = scope.use(await startUnannounced('server', program, args, port))
    const { name, except } = cache
    peers.push({ name, role: 'cache', port, server, isCompiling: false, ...(except && { except }) })
  }
  return peers
}

/** Starts the servers that send the fields and bytes of a hit without being caches. */
export async function startBytes(
  scope: AsyncDisposableStack,
  ceiling: string | undefined,
  given: Given,
  takesPart: TakesPart,
): Promise<Peer[]> {
  const orders = JSON.stringify(given)
  const fields = Object.entries(given.fields).map(([name, value]) => `${name}: ${value}\r\n`)
  const starts = {
    ...(ceiling !== undefined && { [CEILING]: () => startAnnouncing('server', ceiling, [fields.join('')]) }),
    [BARE_HTTP]: () => startServer('server', ['load-tests/peers/bare-http.ts', orders]),
    [BARE_FASTIFY]: () => startServer('server', ['load-tests/lib/bare-fastify.ts', orders]),
  }
  const peers: Peer[] = []
  for (const [name, start] of Object.entries(starts)) {
    if (!takesPart(name)) continue
    const server = scope.use(await start())
    peers.push({ name, role: 'bytes', port: portOf(server.urls[0] ?? ''), server, isCompiling: name !== CEILING })
  }
  return peers
}

export async function startProxy(scope: AsyncDisposableStack, origin: Server, takesPart: TakesPart): Promise<Peer[]> {
  if (!takesPart(BARE_PROXY)) return []
  const server = scope.use(await startServer('server', ['load-tests/peers/bare-proxy.ts', origin.urls[0] ?? '']))
  return [{ name: BARE_PROXY, role: 'proxy', port: portOf(server.urls[0] ?? ''), server, isCompiling: true }]
}

/** Of the installed caches, Herdgate first. */
export function cacheVersions(): { name: string; version: string }[] {
  const own = execFileSync(process.execPath, ['dist/src/cli.js', '--version'], { encoding: 'utf8' }).trim()
  return [{ name: HERDGATE, version: own }, ...CACHE_PROGRAMS.flatMap(installedVersion)]
}

/** The first dotted number that the program prints about itself. */
function installedVersion({ name, program, versionFlag }: CacheProgram): { name: string; version: string }[] {
  const path = pathOf(program)
  if (path === undefined) return []
  const { stdout, stderr } = spawnSync(path, [versionFlag], { encoding: 'utf8' })
  return [{ name, version: /\d+(?:\.\d+)+/.exec(stdout + stderr)?.[0] ?? '' }]
}

/** Number of requests for a path at the slow origin. */
export async function timesAsked(origin: Server, path: string): Promise<number> {
  const asked = await (await fetch(`${origin.urls[0]}/asked`)).json()
  return z.record(z.string(), z.number()).parse(asked)[path] ?? 0
}
