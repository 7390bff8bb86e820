/** Clients that arrive at a steady rate, however long their answers take. */
import http from 'node:http'
import type { Body, Get, History } from './history.ts'
import { SITE } from './member.ts'

export interface LoadOptions {
  /** Base URLs of the nodes, requested round-robin. */
  readonly urls: readonly string[]
  readonly keys: readonly string[]
  readonly perSecond: number
  /** Clients that arrive while this many wait are dropped, as the tests are not about a machine that cannot keep up. */
  readonly mostWaiting?: number | undefined
  /** Records the answers. */
  readonly history: History
}

export interface Load {
  /** Errors of requests that were not answered. */
  readonly failures: string[]
  /** Waits until all requests so far are answered. */
  answered(): Promise<void>
  /** Stops sending, and waits for outstanding answers. */
  stop(): Promise<void>
}

/** Requests are sent in batches, as timers are no finer than this. */
const TICK_MS = 5
const PATIENCE_MS = 30_000

export function startLoad({ urls, keys, perSecond, mostWaiting = Infinity, history }: LoadOptions): Load {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
  const failures: string[] = []
  const waiting = new Set<Promise<void>>()
  const startedAt = performance.now()
  let sent = 0
  let dropped = 0

  const send = () => {
    const node = sent % urls.length
    const key = keys[Math.floor(sent / urls.length) % keys.length] ?? '/'
    sent++
    const asked = ask(agent, urls[node] ?? '', key).then(
      (get) => void history.gets.push({ ...get, node: String(node) }),
      (error: unknown) => void failures.push(String(error)),
    )
    waiting.add(asked)
    void asked.then(() => waiting.delete(asked))
  }
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000)
    while (sent + dropped < due)
      if (waiting.size < mostWaiting) send()
      else dropped++
  }, TICK_MS)
  const answered = async (): Promise<void> => void (await Promise.all(waiting))

  return {
    failures,
    answered,
    async stop() {
      clearInterval(timer)
      await answered()
      agent.destroy()
    },
  }
}

function ask(agent: http.Agent, url: string, key: string): Promise<Omit<Get, 'node'>> {
  const start = performance.now()
  const { promise, resolve, reject } = Promise.withResolvers<Omit<Get, 'node'>>()
  const request = http.get(url + key, { agent, timeout: PATIENCE_MS, headers: { host: new URL(SITE).host } })
  request.once('error', reject)
  request.once('timeout', () => request.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)))
  request.once('response', (response) => {
    let content = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      content += chunk
    })
    response.once('error', reject)
    response.once('end', () => {
      const { statusCode: status = 0 } = response
      const end = performance.now()
      const cacheStatus = String(response.headers['cache-status'] ?? '')
      const body = status === 200 ? (JSON.parse(content) as Body) : undefined
      resolve({ key, variant: '', user: undefined, start, end, status, body, cacheStatus })
    })
  })
  return promise
}

/** Share of hits among answers to requests sent from `from` to `to`; undefined if there were none. */
export function hitRatio(gets: readonly Get[], from: number, to: number): number | undefined {
  const within = gets.filter(({ start }) => from <= start && start < to)
  if (within.length === 0) return undefined
  return within.filter(({ cacheStatus }) => cacheStatus.includes('; hit')).length / within.length
}

/** Milliseconds within which this share of the requests was answered. */
export function latency(gets: readonly Get[], from: number, to: number, share: number): number {
  const sorted = gets
    .filter(({ start }) => from <= start && start < to)
    .map(({ start, end }) => end - start)
    .sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
