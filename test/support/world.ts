import type { Body } from '../../src/body.ts'
import { DEFAULT_RULES } from '../../src/config/defaults.ts'
import { createCache } from '../../src/library/embed.ts'
import { Events, type EventPayloads } from '../../src/events.ts'
import { field } from '../../src/fields.ts'
import type { Reply } from '../../src/cache/http/reply.ts'
import type { CacheRequest, InvalidationLog, Rules } from '../../src/model.ts'
import { localLog } from '../../src/stores/memory/log.ts'
import { memoryStore } from '../../src/stores/memory/store.ts'
import { FakeClock } from './fake-clock.ts'
import { ScriptedOrigin } from './scripted-origin.ts'
import { fieldsOf } from './fields.ts'

/** A cache whose clock, origin, store and log the test controls. */
export function world(rules: Partial<Rules> = {}, log: InvalidationLog = localLog({ generation: 'g' })) {
  const clock = new FakeClock()
  const origin = new ScriptedOrigin()
  const events = new Events()
  const store = memoryStore({ maxBytes: '64MiB', events })
  const seen: { [Name in keyof EventPayloads]: EventPayloads[Name][] } = {
    request: [],
    refusedConnection: [],
    origin: [],
    broken: [],
    revalidation: [],
    collapse: [],
    store: [],
    eviction: [],
    tier: [],
    purge: [],
    routing: [],
    log: [],
  }
  for (const name of ['origin', 'revalidation', 'collapse', 'eviction', 'tier', 'purge'] as const) {
    events.on(name, (payload) => void (seen[name] as unknown[]).push(payload))
  }
  const route = { name: 'default', match: {}, origin, rules: { ...DEFAULT_RULES, ...rules } }
  const cache = createCache({ store, log, clock, events, routes: [route] })
  const ask = async (path: string, headers: Record<string, string> = {}, extra: Partial<CacheRequest> = {}) =>
    cache.handle({ method: 'GET', url: `http://a.test${path}`, fields: fieldsOf(headers), ...extra })
  const get = async (path: string, headers: Record<string, string> = {}, extra: Partial<CacheRequest> = {}) =>
    received(await ask(path, headers, extra))
  return { clock, origin, events, log, store, cache, seen, ask, get }
}

export interface Received {
  status: number
  body: string
  result: string
  cacheStatus: string
  reply: Reply
}

/** A reply read to its end. */
export async function received(reply: Reply): Promise<Received> {
  const cacheStatus = field(reply.fields, 'cache-status') ?? ''
  return { status: reply.status, body: await text(reply.body), result: reply.outcome.result, cacheStatus, reply }
}

export async function text(body: Body | undefined): Promise<string> {
  const chunks: Uint8Array[] = []
  const reader = body?.read()
  for (;;) {
    const chunk = await reader?.next()
    if (chunk === undefined) return Buffer.concat(chunks).toString()
    chunks.push(chunk)
  }
}
