import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import type { Logger } from 'pino'
import { prepareOwnProcess } from '../heap/own-process.ts'
import type { Config } from '../config.ts'
import { authority } from '../config/addresses.ts'
import { openLog } from '../logging/log.ts'
import { createServer, type Server, type ServerOptions } from '../server.ts'
import { openTracing } from '../tracing/tracing.ts'
import { workersOf } from '../config/memory-shares.ts'
import { fail } from './fail.ts'
import { capacity, type Given, loadSettings, settingsOf } from './settings.ts'
import { closeOnSignals } from '../server/shutdown.ts'

/** 192 bits. */
const TOKEN_BYTES = 24

/** `herdgate serve`: runs until it is stopped. */
export async function serve(given: Given): Promise<void> {
  const readSettings = settingsOf(given)
  const loaded = loadSettings(readSettings)
  if (loaded === undefined) return
  prepareOwnProcess(availableParallelism())
  const { config, notes } = loaded
  const log = openLog(config.logLevel)
  const { logger } = log
  const pretty = process.stdout.isTTY
  const token = config.admin.token ?? randomBytes(TOKEN_BYTES).toString('base64url')
  for (const note of notes) logger.warn(note)

  const server = await start(config, { logger, adminToken: token, pretty, readConfig: readSettings })
  closeOnSignals(server, log)
  process.on('SIGHUP', () => void server.reload('SIGHUP'))
  const urls = await listen(server, config)
  if (urls === undefined) return
  const generated = config.admin.token === undefined ? token : undefined
  if (pretty) process.stdout.write(banner(urls, generated))
  else announce(log.always, urls, generated)
  await warnOfUnresolvedHosts(config, logger)
}

/** One process, or several that share the data port. */
async function start(config: Config, options: ServerOptions): Promise<Server> {
  const workers = workersOf(config.workers, capacity())
  if (workers === 1)
    return createServer(config, { ...options, tracing: await openTracing(process.env, options.logger) })
  const { createPrimary } = await import('../workers/primary.ts')
  return createPrimary(config, { ...options, workers })
}

async function listen(server: Server, config: Config): Promise<{ data: string; admin: string } | undefined> {
  try {
    return await server.listen()
  } catch (error) {
    fail(listenErrorMessage(error, config), 1)
    await server.close().catch(() => {})
    return undefined
  }
}

type ListenError = NodeJS.ErrnoException & { address?: string; hostname?: string; port?: number }

function listenErrorMessage(error: unknown, config: Config): string {
  const { code, address: bound, hostname, port = 0, message } = error as ListenError
  const address = bound ?? hostname ?? ''
  const place = authority(address, port)
  const flag = isAdminAddress(address, port, config) ? '--admin-port' : '--port'
  const host = flag.replace('port', 'host')
  if (code === 'EADDRINUSE') return `${place} is in use; choose another with ${flag}`
  if (code === 'EACCES') return `not allowed to listen on ${place}; choose a port above 1023 with ${flag}`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `${address} is not an address of this machine; see ${host}`
  return message
}

/** @param port 0 when the host could not be looked up */
function isAdminAddress(address: string, port: number, { listen, admin }: Config): boolean {
  if (port !== 0 && listen.port !== admin.port) return port === admin.port
  const isNamed = port !== 0 && isIP(admin.host) === 0 // the error then shows the address, not the name
  return address === admin.host || (isNamed && address !== listen.host)
}

/** Logged at every level: this is how an operator learns that it is up, and with which token. */
function announce(always: Logger, { data, admin }: { data: string; admin: string }, token: string | undefined): void {
  if (token !== undefined) always.info({ adminToken: token }, 'no admin token is set; generated one for this run')
  always.info({ data, admin }, `listening on ${data}, admin on ${admin}`)
}

function banner({ data, admin }: { data: string; admin: string }, token: string | undefined): string {
  const bearer = token ?? '$HERDGATE_ADMIN_TOKEN'
  return `
  herdgate is listening on ${data}, admin on ${admin}
    docs at /docs, metrics at /metrics
    watch  ${admin}/dashboard
${token === undefined ? '' : `    token  ${token}   (generated for this run)\n`}
  try
    curl -i ${data}/
    curl -X POST -H "Authorization: Bearer ${bearer}" ${admin}/v1/purge/tags/TAG
    curl ${admin}/metrics

`
}

/** Only a warning, as DNS may become available after the start. */
async function warnOfUnresolvedHosts({ origins }: Config, logger: Logger): Promise<void> {
  const hosts = new Set(origins.flatMap(({ urls }) => urls.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, ''))))
  await Promise.all(
    [...hosts].map((host) =>
      lookup(host).catch((error: NodeJS.ErrnoException) => {
        logger.warn(
          { host, code: error.code },
          `the origin's host ${host} cannot be resolved; requests are answered 502 until it can`,
        )
      }),
    ),
  )
}
