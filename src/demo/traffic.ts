import type { Clock } from '../model.ts'

export interface TrafficOptions {
  /** Base URL of what is visited, once it is known. */
  readonly url: () => string
  readonly clock: Clock
  /** From 0 up to 1. */
  readonly random: () => number
  readonly fetch?: (url: string, init: { signal: AbortSignal; headers: Record<string, string> }) => Promise<Response>
}

/** Visitors of the demo: a few products that everybody wants, many that hardly anybody does, and some of the rest. */
export interface Traffic {
  readonly perSecond: number
  /** @param perSecond visits, from 0 (none) up to MAX_PER_SECOND */
  set(perSecond: number): void
  /** Ends it, including visits in progress. */
  stop(): void
}

export const MAX_PER_SECOND = 200
/** Most visits in progress; while there are this many, no more are begun. */
const MAX_AT_ONCE = 400
const TICK_MS = 100
const PRODUCTS = 200

export function createTraffic({ url, clock, random, fetch = globalThis.fetch }: TrafficOptions): Traffic {
  const stopped = new AbortController()
  let perSecond = 0
  let due = 0
  let inProgress = 0
  let cancel: (() => void) | undefined

  function tick(): void {
    due += (perSecond * TICK_MS) / 1000
    for (; due >= 1; due--) if (inProgress < MAX_AT_ONCE) void visit(pathFor(random))
    cancel = perSecond > 0 ? clock.after(TICK_MS, tick) : undefined
  }

  async function visit(path: string): Promise<void> {
    inProgress++
    try {
      const headers = { 'accept-language': random() < 0.7 ? 'en' : 'de' }
      const response = await fetch(url() + path, { signal: stopped.signal, headers })
      await response.arrayBuffer()
    } catch {
      // a response that was cut off, or the end of the demo
    } finally {
      inProgress--
    }
  }

  return {
    get perSecond() {
      return perSecond
    },
    set(wanted) {
      if (stopped.signal.aborted) return
      perSecond = wanted
      cancel ??= clock.after(TICK_MS, tick)
    },
    stop() {
      perSecond = 0
      cancel?.()
      stopped.abort()
    },
  }
}

const SHARES: readonly (readonly [share: number, path: (random: () => number) => string])[] = [
  [0.7, (random) => `/products/${1 + Math.floor(PRODUCTS * random() ** 4)}`],
  [0.1, (random) => `/search?q=${['lamp', 'chair', 'desk'][Math.floor(random() * 3)]}`],
  [0.06, () => '/swr'],
  [0.06, () => '/sie'],
  [0.04, () => '/flaky'],
  [0.02, () => '/account'],
  [0.01, () => '/no-store'],
]

/** What the next visitor asks for. */
export function pathFor(random: () => number): string {
  let left = random()
  for (const [share, path] of SHARES) {
    left -= share
    if (left < 0) return path(random)
  }
  return '/'
}
