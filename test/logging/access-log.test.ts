import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { logRequests } from '../../src/logging/access-log.ts'
import { type EventPayloads, Events } from '../../src/events.ts'
import type { Outcome } from '../../src/model.ts'
import { requestEvent } from '../support/request-event.ts'

type Line = Record<string, unknown>

const MISS: Outcome = { result: 'miss', fwd: 'uri-miss', fwdStatus: 200, stored: true, ttlMs: 30_400, originMs: 811.23 }

/** Lines written while `act` runs. */
function logged(level: string, act: (events: Events) => void, members?: () => object): Line[] {
  const lines: Line[] = []
  const logger = pino({ level }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const events = new Events()
  logRequests(events, logger, { pretty: false, origins: new Map([['catalog', 'api']]), ...(members && { members }) })
  act(events)
  return lines
}

function printed(act: (events: Events) => void, color = false, level = 'info'): string[] {
  const lines: string[] = []
  const events = new Events()
  const logger = pino({ level }, { write: (line: string) => void lines.push(`json: ${line}`) })
  logRequests(events, logger, { pretty: true, color, out: (line) => lines.push(line) })
  act(events)
  return lines
}

function request(given: Parameters<typeof requestEvent>[0]): string[] {
  return printed((events) => events.emit('request', requestEvent(given)))
}

function purgeEvent(given: Partial<EventPayloads['purge']> = {}): EventPayloads['purge'] {
  const receipt = { id: 'g-7', position: 7, nodes: { expected: 1, acked: 1 } }
  return { mode: 'purge', selectors: { tags: ['a'] }, outcome: 'done', receipt, tookMs: 3, by: 'admin', ...given }
}

describe('a JSON line', () => {
  test('names no route and no origin if no route matched', () => {
    const outcome: Outcome = { result: 'error', detail: 'misdirected' }
    const [line] = logged('info', (events) => {
      events.emit('request', requestEvent({ route: '', status: 421, outcome }))
    })
    expect(line).toMatchObject({ status: 421 })
    expect(line).not.toHaveProperty('route')
    expect(line).not.toHaveProperty('origin')
  })

  test('says how a miss was answered', () => {
    const [line] = logged('info', (events) => {
      events.emit('request', requestEvent({ outcome: MISS, firstByteMs: 812.345, totalMs: 815, bytes: 77 }))
    })
    expect(line).toMatchObject({
      level: 30,
      msg: 'request',
      method: 'GET',
      path: '/products/42',
      status: 200,
      cacheStatus: 'herdgate; fwd=uri-miss; fwd-status=200; stored',
      result: 'miss',
      ttl: 30,
      age: 18,
      route: 'catalog',
      origin: 'api',
      ttfbMs: 812.35,
      durationMs: 815,
      originMs: 811.23,
      bytes: 77,
      clientIp: '192.0.2.1',
    })
    expect(line).not.toHaveProperty('aborted')
  })

  test.each(['miss', 'pass', 'error', 'shed', 'revalidated', 'collapsed', 'stale_if_error'] as const)(
    'is written at info for %s',
    (result) => {
      const lines = logged('info', (events) => events.emit('request', requestEvent({ outcome: { result } })))
      expect(lines).toMatchObject([{ level: 30, result }])
    },
  )

  test.each(['hit', 'stale'] as const)('is written for %s at debug only', (result) => {
    const emit = (events: Events) => events.emit('request', requestEvent({ outcome: { result } }))
    expect(logged('info', emit)).toEqual([])
    expect(logged('debug', emit)).toMatchObject([{ level: 20, result }])
  })

  test('includes a bounded, printable part of what the client states about itself', () => {
    const head = { fields: ['user-agent', `\x1b[2J${'a'.repeat(9_000)}`, 'X-Request-ID', '\u202e'.padEnd(9_000, 'b')] }
    const [line] = logged('info', (events) => events.emit('request', requestEvent({ outcome: MISS, head })))
    expect(line).toMatchObject({
      ua: `\\x1b${'[2J'.padEnd(251, 'a')}…`,
      reqId: `\\u202e${'b'.repeat(121)}…`,
    })
  })

  test('reads fields only if the line is written', () => {
    let asked = 0
    const head = {
      get fields() {
        asked++
        return []
      },
    }
    const emit = (events: Events) => events.emit('request', requestEvent({ head }))
    logged('info', emit)
    expect(asked).toBe(0)
    logged('debug', emit)
    expect(asked).toBe(1)
  })

  test('has the members that docs/logging.md lists, and no others', () => {
    const head = { fields: ['User-Agent', 'curl/8', 'X-Request-Id', '7'] }
    const [line] = logged(
      'info',
      (events) => events.emit('request', requestEvent({ outcome: MISS, head, aborted: true })),
      () => ({ trace_id: 't', span_id: 's' }),
    )
    const page = readFileSync(new URL('../../docs/logging.md', import.meta.url), 'utf8')
    const [, table = ''] = page.split('\n| member | |\n')
    const rows = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| (`[^|]*) \|/gm)].map(([, names = '']) => names)
    const listed = rows.flatMap((names) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name))
    expect(new Set(Object.keys(line ?? {}))).toEqual(new Set(listed))
  })

  test('says that the client left', () => {
    const lines = logged('info', (events) => events.emit('request', requestEvent({ outcome: MISS, aborted: true })))
    expect(lines).toMatchObject([{ aborted: true }])
  })
})

describe('a human-readable line', () => {
  test('shows a miss with what was stored', () => {
    expect(request({ outcome: MISS, totalMs: 812.3 })).toEqual(['MISS   812ms  200  GET /products/42  stored 30s'])
  })

  test('rounds a lifetime that has just begun', () => {
    const [line] = request({ outcome: { ...MISS, ttlMs: 29_997 } })
    expect(line).toContain('stored 30s')
  })

  test('shows a hit', () => {
    expect(request({ totalMs: 1.2 })).toEqual(['HIT      1ms  200  GET /products/42  ttl 42s'])
    expect(request({ totalMs: 0.2 })).toEqual(['HIT     <1ms  200  GET /products/42  ttl 42s'])
  })

  test('shows a stale answer, how long it has been stale, and why', () => {
    const outcome = { result: 'stale_if_error', ttlMs: -3000, detail: 'stale-if-error' } as const
    expect(request({ outcome, totalMs: 2003 })).toEqual([
      'STALE 2003ms  200  GET /products/42  expired 3s ago  stale-if-error',
    ])
  })

  test('shows an error, a shared fetch and a client that left', () => {
    const error = { result: 'error', detail: 'origin_timeout' } as const
    expect(request({ outcome: error, status: 504, totalMs: 30_000 })).toEqual([
      'ERROR  30.0s  504  GET /products/42  origin_timeout',
    ])
    const collapsed = { result: 'collapsed', collapsed: true } as const
    expect(request({ outcome: collapsed, totalMs: 5, aborted: true })).toEqual([
      'MISS     5ms  200  GET /products/42  collapsed  aborted',
    ])
  })

  test('contains no control characters', () => {
    const [line] = request({ url: 'http://a.test/\x1b]0;x\x07\r\nHIT', method: 'G\x1bET' })
    // oxlint-disable-next-line no-control-regex -- looking for them
    expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f]/)
  })

  test('is coloured if requested', () => {
    const lines = printed((events) => events.emit('request', requestEvent({ totalMs: 1 })), true)
    expect(lines).toEqual(['\x1b[32mHIT  \x1b[39m    1ms  200  GET /products/42  ttl 42s'])
  })

  test.each(['warn', 'error', 'silent'])('is not written at level %s', (level) => {
    const act = (events: Events) => {
      events.emit('request', requestEvent({ outcome: MISS }))
      events.emit('purge', purgeEvent())
    }
    expect(printed(act, false, level)).toEqual([])
    expect(printed(act, false, 'debug')).toHaveLength(2)
  })

  test('shows a purge', () => {
    const selectors = { tags: ['a', 'b', 'c', 'd'], urls: ['x.test/1'], all: true }
    expect(printed((events) => events.emit('purge', purgeEvent({ selectors })))).toEqual([
      'PURGE    3ms  done  tag a, b, c and 1 more  url x.test/1  everything  position 7  by admin',
    ])
    const failed = { mode: 'invalidate', outcome: 'failed', receipt: undefined } as const
    expect(printed((events) => events.emit('purge', purgeEvent(failed)))).toEqual([
      'INVALIDATE    3ms  failed  tag a  by admin',
    ])
  })
})

describe('the audit line of a purge', () => {
  test('says who requested what, with which outcome', () => {
    const lines = logged('info', (events) => events.emit('purge', purgeEvent()))
    expect(lines).toMatchObject([
      { level: 30, audit: true, msg: 'purge', by: 'admin', mode: 'purge', outcome: 'done', tags: ['a'], position: 7 },
    ])
  })

  test('is a warning if the purge failed', () => {
    const failed = purgeEvent({ outcome: 'failed', receipt: undefined })
    const lines = logged('warn', (events) => events.emit('purge', failed))
    expect(lines).toMatchObject([{ level: 40, outcome: 'failed' }])
    expect(lines[0]).not.toHaveProperty('position')
  })

  test('includes a bounded number of selectors, cut to a bounded length', () => {
    const tags = Array.from({ length: 256 }, (_, at) => `${at}`.padEnd(5000, 'x'))
    const [line] = logged('info', (events) => events.emit('purge', purgeEvent({ selectors: { tags } })))
    expect(line).toMatchObject({ tagsCount: 256 })
    expect(line?.['tags']).toHaveLength(10)
    expect(JSON.stringify(line).length).toBeLessThan(4000)
  })

  test('leaves out selectors for which there is no room, and says how many there were', () => {
    const long = Array.from({ length: 10 }, (_, at) => `${at}`.padEnd(200, 'x'))
    const selectors = { tags: ['a', 'b'], urls: long, prefixes: long.slice(0, 3) }
    const [line] = logged('info', (events) => events.emit('purge', purgeEvent({ selectors })))
    expect(line).toMatchObject({ ...selectors, urls: long.slice(0, 4), urlsCount: 10 })
    expect(line).not.toHaveProperty('tagsCount')
    expect(line).not.toHaveProperty('prefixesCount')
  })

  test('is at debug if an unsafe request caused it, unless it failed', () => {
    const by = 'unsafe-method'
    expect(logged('info', (events) => events.emit('purge', purgeEvent({ by })))).toEqual([])
    expect(logged('debug', (events) => events.emit('purge', purgeEvent({ by })))).toHaveLength(1)
    const failed = purgeEvent({ by, outcome: 'failed', receipt: undefined })
    expect(logged('info', (events) => events.emit('purge', failed))).toHaveLength(1)
  })
})

describe('a line fits into one write, which a pipe does not mix with those of other workers', () => {
  /** What it takes with its newline, in octets. */
  function octetsLogged(act: (events: Events) => void): number {
    let octets = 0
    const logger = pino({ level: 'info' }, { write: (line: string) => void (octets += Buffer.byteLength(line)) })
    const events = new Events()
    logRequests(events, logger, { pretty: false })
    act(events)
    return octets
  }

  test.each(['x', '"', '\\', 'ü', '\x85'])('whatever %j a client sends', (character) => {
    const long = character.repeat(8_000)
    const head = { fields: ['user-agent', long, 'x-request-id', long] }
    const given = { url: `https://a.test/${long}?${long}`, outcome: MISS, head }
    const octets = octetsLogged((events) => events.emit('request', requestEvent(given)))
    expect(octets).toBeGreaterThan(2_000)
    expect(octets).toBeLessThanOrEqual(4_096)
  })

  test.each(['x', '"', '語', '\u2028'])('whatever %j a purge names', (character) => {
    const names = Array.from({ length: 256 }, (_, at) => `${at}${character.repeat(300)}`)
    const selectors = { tags: names, urls: names, prefixes: names }
    const octets = octetsLogged((events) => events.emit('purge', purgeEvent({ selectors })))
    expect(octets).toBeGreaterThan(2_000)
    expect(octets).toBeLessThanOrEqual(4_096)
  })
})
