/** A worker of `herdgate serve --workers N`: a proxy that gets its configuration, log and leases from its primary. */
import cluster from 'node:cluster'
import { pino } from 'pino'
import { prepareOwnProcess } from '../heap/own-process.ts'
import { closeOnErrors } from '../server/shutdown.ts'
import { type Log, openLog } from '../logging/log.ts'
import { createProxy, type Proxy } from '../server/proxy.ts'
import { openTracing } from '../tracing/tracing.ts'
import { Calls, type Message } from './calls.ts'
import { IpcLog } from './ipc-log.ts'
import { ipcLeases } from './ipc-leases.ts'
import { ipcStore } from './ipc-store.ts'
import { copiesUnderway } from '../config/memory-shares.ts'
import type { WorkerSetup, ListenFailure, PrimaryService, WorkerService } from './services.ts'

prepareOwnProcess(1) // the other cores are for other workers

const begun = Promise.withResolvers<Proxy>()
let proxy: Proxy | undefined
let log: IpcLog | undefined
let output: Log | undefined
let unwatch: (() => void) | undefined

const service: WorkerService = {
  begin,
  applyRecord: (record) => log?.applyRecord(record),
  apply: (config) => proxy?.apply(config),
  async report() {
    const started = await begun.promise
    const metrics = await started.metrics.report()
    return { metrics, stats: started.cache.stats(), degraded: started.degraded() }
  },
  explain: async (request) => (await begun.promise).cache.explain(request),
  clear: async () => (await begun.promise).clear(),
  watch(wanted) {
    if (wanted) {
      unwatch ??= proxy?.live.watch((snapshot) => primary.notify('snapshot', snapshot))
    } else {
      unwatch?.()
      unwatch = undefined
    }
  },
  drain: () => proxy?.drain(),
  end: () => void end(0),
}

const primary = new Calls<PrimaryService, WorkerService>((message) => void process.send?.(message, ignore), service)
process.on('message', (message: Message) => primary.receive(message))
cluster.worker?.on('error', ignore) // what node:cluster sends does not arrive: the primary is gone, and this ends too
// Where the whole process group gets these, the primary acts on them: workers end when it tells them to, or is gone.
process.on('SIGHUP', ignore)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => primary.notify('terminated', undefined))
const tracing = await openTracing(process.env, pino())
primary.notify('hello', undefined)

/** Synchronous: a record that follows must find the log. */
function begin({ config, containerShare, node, log: state }: WorkerSetup): void {
  output = openLog(config.logLevel)
  const { logger } = output
  const maxUnderway = copiesUnderway(config.limits).toPrimary
  log = state && new IpcLog({ id: String(process.pid), state, append: (record) => primary.call('append', record) })
  proxy = createProxy(config, {
    logger,
    pretty: process.stdout.isTTY,
    containerShare,
    primary: {
      leases: ipcLeases(primary),
      node,
      memory: log && { store: (pressure) => ipcStore(primary, { maxUnderway, pressure }), log },
    },
    reportsUsage: ({ tier }) => tier === 'memory', // the other tiers are the same for all workers
    tracing,
  })
  closeOnErrors({ close: closeFailed }, output)
  begun.resolve(proxy)
  primary.notify('begun', undefined) // before it listens: see `Pool.begun`
  proxy.listen().then(
    (url) => {
      if (closing === undefined) primary.notify('listening', url)
    },
    (error: unknown) => {
      primary.notify('listenFailed', failureOf(error))
      void end(1)
    },
  )
}

function closeFailed(): Promise<void> {
  primary.notify('failed', undefined)
  return close()
}

async function end(code: number): Promise<void> {
  await close().catch(() => {})
  if (output === undefined) process.exit(code)
  output.exit(code)
}

let closing: Promise<void> | undefined

function close(): Promise<void> {
  closing ??= (async () => {
    await proxy?.stop()
    await proxy?.close()
  })()
  return closing
}

function failureOf(error: unknown): ListenFailure {
  if (!(error instanceof Error)) return { message: String(error) }
  const { message, code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  return { message, code, address, port }
}

function ignore(): void {}
