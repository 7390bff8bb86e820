import { join } from 'node:path'
import { z } from 'zod'
import { cpuMicroseconds } from '../lib/cpu.ts'
import { run, type Server } from '../lib/processes.ts'
import { ETAG, HERDGATE, LARGE, type Peer, type Role, SMALL } from './servers.ts'

export interface Scenario {
  readonly name: ScenarioName
  readonly title: string
  /** Short title. */
  readonly column: string
  readonly path: string
  /** Arguments for wrk.lua. */
  readonly order: (run: string) => readonly string[]
  /** Who takes part. */
  readonly roles: readonly Role[]
  /** Limits of a round's mean response size in octets, head included. */
  readonly responseBytes: { readonly least: number; readonly most: number }
  readonly asksOrigin: boolean
  /** Whether Herdgate's own hit is among the rivals. */
  readonly besideOwnHit?: true
  /** Factor by which its rounds are longer than those of other scenarios. */
  readonly lasts?: number
}

export type ScenarioName = 'hit-1k' | 'hit-64k' | 'heads' | 'not-modified' | 'miss'

const MAX_HEAD = 1_024
const whole = (bytes: number) => ({ least: bytes, most: bytes + MAX_HEAD })

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'hit-1k',
    title: 'Hit, 1 KiB',
    column: 'hit, 1 KiB',
    path: SMALL.path,
    order: () => ['same'],
    roles: ['cache', 'bytes'],
    responseBytes: whole(SMALL.bytes),
    asksOrigin: false,
  },
  {
    name: 'heads',
    title: 'Hit, 1 KiB, heads as browsers send them, no two alike',
    column: "browsers' heads",
    path: SMALL.path,
    order: () => ['browsers'],
    roles: ['cache', 'bytes'],
    responseBytes: whole(SMALL.bytes),
    asksOrigin: false,
  },
  {
    name: 'not-modified',
    title: '304 on If-None-Match',
    column: '304',
    path: SMALL.path,
    order: () => ['conditional', ETAG],
    roles: ['cache', 'bytes'],
    responseBytes: { least: 20, most: MAX_HEAD },
    asksOrigin: false,
    besideOwnHit: true,
  },
  {
    name: 'hit-64k',
    title: 'Hit, 64 KiB',
    column: 'hit, 64 KiB',
    path: LARGE.path,
    order: () => ['same'],
    roles: ['cache', 'bytes'],
    responseBytes: whole(LARGE.bytes),
    asksOrigin: false,
  },
  {
    name: 'miss',
    title: 'Miss, 1 KiB, an origin that takes no time, every response stored',
    column: 'miss',
    path: '/',
    order: (name) => ['distinct', `/miss/${name}`],
    roles: ['cache', 'proxy'],
    responseBytes: whole(SMALL.bytes),
    asksOrigin: true,
    lasts: 6, // to include the major collections of a cache in JavaScript, about one every five seconds of misses
  },
]

/** The measurements of one server in one round. */
export interface Round {
  /** Server CPU time per request. */
  readonly microseconds: number
  readonly requestsPerSecond: number
  readonly p99Ms: number
}

export const CONNECTIONS = 32
const SCRIPT = join(import.meta.dirname, 'wrk.lua')
/** CPU time of the origin per request, in microseconds, above which it was clearly asked. */
const ASKED_MICROSECONDS = 1

/** What wrk.lua prints, the times in microseconds. */
const wrkReport = z.object({
  requests: z.number(),
  bytes: z.number(),
  microseconds: z.number(),
  failed: z.number(),
  p50: z.number(),
  p99: z.number(),
})

let rounds = 0

/** Load before a measurement, to get the server going again after a pause. */
const LEAD_SECONDS = 1
/** The same if V8 has released memory and code during a longer pause. */
const COMPILING_LEAD_SECONDS = 3

/** Measures one round of a scenario, after a lead of the same load. Rejects as `load` does. */
export async function measure(
  wrk: string,
  peer: Peer,
  scenario: Scenario,
  origin: Server,
  seconds: number,
): Promise<Round> {
  const isRested = peer.isCompiling && peer.name !== HERDGATE // never at rest: it is measured beside all others
  await load(wrk, peer, scenario, origin, isRested ? COMPILING_LEAD_SECONDS : LEAD_SECONDS)
  return await load(wrk, peer, scenario, origin, seconds * (scenario.lasts ?? 1))
}

/** Rejects when requests failed, sizes are wrong, or the origin was or was not asked, contrary to `asksOrigin`. */
async function load(wrk: string, peer: Peer, scenario: Scenario, origin: Server, seconds: number): Promise<Round> {
  rounds += 1
  const { port, server } = peer
  await prime(peer, scenario)
  const url = `http://127.0.0.1:${port}${scenario.path}`
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '20s', '-s', SCRIPT, url, '--']
  const originBefore = cpuMicroseconds(origin.pid)
  const cpuBefore = cpuMicroseconds(server.pid)
  const output = await run('generator', wrk, [...args, ...scenario.order(`${Date.now()}-${rounds}`)])
  const cpu = cpuMicroseconds(server.pid) - cpuBefore
  const originCpu = cpuMicroseconds(origin.pid) - originBefore

  const report = wrkReport.parse(JSON.parse(output.trimEnd().split('\n').at(-1) ?? ''))
  const faulty = (what: string) => new Error(what)
  if (report.requests === 0 || report.failed > 0) throw faulty(`${report.failed} failed of ${report.requests}`)
  const bytes = report.bytes / report.requests
  const { least, most } = scenario.responseBytes
  if (bytes < least || bytes > most) throw faulty(`${bytes.toFixed(0)} octets per response`)
  const asked = originCpu / report.requests > ASKED_MICROSECONDS
  if (asked !== scenario.asksOrigin) throw faulty(`the origin was ${asked ? '' : 'not '}asked`)
  return {
    microseconds: cpu / report.requests,
    requestsPerSecond: (report.requests / report.microseconds) * 1e6,
    p99Ms: report.p99 / 1_000,
  }
}

/** V8 recompiles code for one scenario when another brings new types, so all scenarios run several times. */
export const WARM_TURNS = 3
const WARM_SECONDS = 3
/** Until V8 has finished compiling: for misses that takes some tens of thousands of requests. */
const MISSES_COMPILED_SECONDS = 15

/**
 * Lets caches fill and compilers warm up.
 * @param turn from 1 to WARM_TURNS; after the first one only servers with a JIT compiler run
 */
export async function warm(wrk: string, peer: Peer, scenario: Scenario, origin: Server, turn: number): Promise<void> {
  if (turn > 1 && !peer.isCompiling) return
  const isFirstMiss = turn === 1 && scenario.asksOrigin && peer.isCompiling
  await load(wrk, peer, scenario, origin, isFirstMiss ? MISSES_COMPILED_SECONDS : WARM_SECONDS)
}

/** Stores the response for hits; misses of the last round may have evicted it. */
async function prime({ port }: Peer, { path, asksOrigin }: Scenario): Promise<void> {
  if (asksOrigin) return
  for (let time = 0; time < 2; time += 1) await (await fetch(`http://127.0.0.1:${port}${path}`)).arrayBuffer()
}
