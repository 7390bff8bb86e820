/** What the operator should know about a configuration that is valid. */
import { DEFAULT_LIMITS } from './defaults.ts'
import type { Config, LimitedToken } from './resolved.ts'
import { hiddenRoutes } from './hidden-routes.ts'
import { type Capacity, neededBy, workersOf } from './memory-shares.ts'
import type { FileConfig } from './schema.ts'
import type { Sources } from './sources.ts'

const SHORT_TOKEN = 16
/** In bytes; less holds next to nothing. */
const SMALL_STORE = 64 * 2 ** 10

/** With small bodies nearly everything stored is on the heap; the rest is for short-lived objects. */
const MAX_OF_HEAP = 3 / 4

/** What is allowed but probably not meant. */
export function notesOn(
  config: Config,
  sources: Sources,
  file: FileConfig | undefined,
  capacity: Capacity = {},
): string[] {
  return [
    ...idleNotes(config, sources),
    ...tokenNotes(config),
    ...proxyNotes(config),
    ...routeNotes(config),
    ...storeNotes(config, file),
    ...memoryNotes(config, capacity),
    ...connectionNotes(config, file),
    ...chaosNotes(config),
  ]
}

/** Flags and variables of a tier that is not configured. */
function idleNotes({ store: { disk, redis } }: Config, { flags, env }: Sources): string[] {
  const size = flags.where('diskSize') ?? env.where('diskSize')
  const prefix = flags.where('redisPrefix') ?? env.where('redisPrefix')
  return [
    ...(disk === undefined && size !== undefined ? [`${size} has no effect without --disk`] : []),
    ...(redis === undefined && prefix !== undefined ? [`${prefix} has no effect without --redis`] : []),
  ]
}

function tokenNotes({ admin: { token, tokens } }: Config): string[] {
  const all = [...(token === undefined ? [] : [{ name: 'the admin token', token }]), ...tokens.map(namedToken)]
  return all
    .filter((each) => each.token.length < SHORT_TOKEN)
    .map(({ name }) => `${name} is shorter than ${SHORT_TOKEN} characters: it can be guessed`)
}

const namedToken = ({ name, token }: LimitedToken) => ({ name: `the token of ${name}`, token })

const proxyNotes = ({ listen: { trustProxy } }: Config): string[] =>
  trustProxy
    .filter((network) => network.endsWith('/0'))
    .map((network) => `listen.trustProxy has ${network}: any client can claim any address, host and scheme`)

function routeNotes({ routes, origins }: Config): string[] {
  const idle = origins.filter(({ name }) => !routes.some(({ origin }) => origin === name))
  return [
    ...hiddenRoutes(routes).map(
      ({ name, by }) => `route ${name} is never reached: route ${by} before it matches all its requests`,
    ),
    ...idle.map(({ name }) => `origin ${name} is used by no route`),
  ]
}

function storeNotes({ store: { memory, disk } }: Config, file: FileConfig | undefined): string[] {
  const wanted = file?.store?.memory?.maxObjectBytes
  const isTooMuch = wanted !== undefined && wanted > memory.maxBytes
  return [
    ...smallNotes('store.memory.maxBytes', memory.maxBytes),
    ...(disk === undefined ? [] : smallNotes('store.disk.maxBytes', disk.maxBytes)),
    ...(isTooMuch
      ? [`store.memory.maxObjectBytes exceeds the memory of the store: ${memory.maxBytes} bytes is the limit`]
      : []),
  ]
}

function smallNotes(key: string, bytes: number): string[] {
  if (bytes >= SMALL_STORE) return []
  return [`${key} is ${bytes} bytes: next to nothing fits in; a size without a unit is in bytes`]
}

function memoryNotes({ store, limits, workers: given }: Config, capacity: Capacity): string[] {
  const { container, heap } = capacity
  const { maxBytes } = store.memory
  const workers = workersOf(given, capacity)
  const notes: string[] = []
  if (container !== undefined) {
    const [all, kept, arriving] = [container, maxBytes, limits.maxBodiesInProgress].map(inMebibytes)
    notes.push(`of the container's ${all} the store may take ${kept}, bodies in progress ${arriving}`)
  }
  if (container !== undefined && workers > 1 && neededBy(workers, maxBytes) > container) {
    const [needed, all] = [neededBy(workers, maxBytes), container].map(inMebibytes)
    notes.push(
      `${workers} workers, their primary and the store need about ${needed}, but the container has ${all}: processes may be killed; see --workers and --memory`,
    )
  }
  if (heap !== undefined && maxBytes / workers > heap * MAX_OF_HEAP) {
    const [kept, most] = [maxBytes / workers, heap].map(inMebibytes)
    notes.push(
      `a process may store ${kept}, but its heap is ${most}: small bodies may fill the heap before the store, which then holds less; see --max-old-space-size`,
    )
  }
  return notes
}

function connectionNotes({ limits: { maxConnections } }: Config, file: FileConfig | undefined): string[] {
  if (file?.limits.maxConnections !== undefined || maxConnections === DEFAULT_LIMITS.maxConnections) return []
  return [
    `clients may have ${maxConnections} connections at once: more, each with a large head, may not fit into memory; see limits.maxConnections`,
  ]
}

const inMebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

const chaosNotes = ({ chaos }: Config): string[] =>
  chaos === undefined ? [] : ['chaos is on: faults are injected on purpose; not for production']
