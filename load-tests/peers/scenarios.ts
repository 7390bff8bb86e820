import { join } from 'node:path'
import { z } from 'zod'
import { cpuMicroseconds } from '../lib/cpu.ts'
import { run, type Server } from '../lib/processes.ts'
import { ETAG, HERDGATE, LARGE, type Peer, type Role, SMALL } from './servers.ts'

export interface Scenario {
  readonly name: ScenarioName
  readonly title: string
  /** What it is called where there is little room. */
  readonly column: string
  readonly path: string
  /** Arguments for wrk.lua. */
  readonly order: (run: string) => readonly string[]
  /** Who takes part. */
  readonly roles: readonly Role[]
  /** Octets of a response, head included, on the average of a round. */
  readonly responseBytes: { readonly least: number; readonly most: number }
  readonly asksOrigin: boolean
  /** Beside it stands a hit of Herdgate's own as well. */
  readonly besideOwnHit?: true
  /** A round lasts so many times as long as those of others. */
  readonly lasts?: number
}

export type ScenarioName = 'hit-1k' | 'hit-64k' | 'heads' | 'not-modified' | 'miss'

const MOST_HEAD = 1_024
const whole = (bytes: number) => ({ least: bytes, most: bytes + MOST_HEAD })

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
    responseBytes: { least: 20, most: MOST_HEAD },
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
    lasts: 6, // what a cache in JavaScript has stored is looked through every some five seconds of misses
  },
]

/** What a server did in one round. */
export interface Round {
  /** Server CPU time per request. */
  readonly microseconds: number
  readonly requestsPerSecond: number
  readonly p99Ms: number
}

export const CONNECTIONS = 32
const SCRIPT = join(import.meta.dirname, 'wrk.lua')
/** CPU time of the origin per request: whether it was asked is beyond doubt on either side. */
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

/** After a pause a server has to get going again. */
const LEAD_SECONDS = 1
/** Where V8 has given memory back meanwhile, and forgotten what it knew. */
const COMPILING_LEAD_SECONDS = 3

/** One round of a scenario, of a server that is under load already. Rejects as `load` does. */
export async function measure(
  wrk: string,
  peer: Peer,
  scenario: Scenario,
  origin: Server,
  seconds: number,
): Promise<Round> {
  const isRested = peer.isCompiling && peer.name !== HERDGATE // which is measured beside each of the others
  await load(wrk, peer, scenario, origin, isRested ? COMPILING_LEAD_SECONDS : LEAD_SECONDS)
  return await load(wrk, peer, scenario, origin, seconds * (scenario.lasts ?? 1))
}

/** Rejects when the answers cannot have been what they should be. */
async function load(wrk: string, peer: Peer, scenario: Scenario, origin: Server, seconds: number): Promise<Round> {
  rounds += 1
  const { port, server } = peer
  await prime(peer, scenario)
  const url = `http://127.0.0.1:${port}${scenario.path}`
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '20s', '-s', SCRIPT, url, '--']
  const originBefore = cpuMicroseconds(origin.pid)
  const cpuBefore = cpuMicroseconds(server.pid)
  const said = await run('generator', wrk, [...args, ...scenario.order(`${Date.now()}-${rounds}`)])
  const cpu = cpuMicroseconds(server.pid) - cpuBefore
  const originCpu = cpuMicroseconds(origin.pid) - originBefore

  const report = wrkReport.parse(JSON.parse(said.trimEnd().split('\n').at(-1) ?? ''))
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

/** What V8 compiled for one scenario it compiles anew when another has shown what else there is: some turns of all of them. */
export const WARM_TURNS = 3
const WARM_SECONDS = 3
/** Until V8 has compiled for good what runs often: a miss takes some tens of thousands of requests. */
const MISSES_COMPILED_SECONDS = 15

/**
 * Lets caches fill and compilers warm up.
 * @param turn from 1 to WARM_TURNS; after the first, for those who still compile
 */
export async function warm(wrk: string, peer: Peer, scenario: Scenario, origin: Server, turn: number): Promise<void> {
  if (turn > 1 && !peer.isCompiling) return
  const isFirstMiss = turn === 1 && scenario.asksOrigin && peer.isCompiling
  await load(wrk, peer, scenario, origin, isFirstMiss ? MISSES_COMPILED_SECONDS : WARM_SECONDS)
}

/** Puts into a cache what hits are to be answered with; the misses of the last round may have taken its place. */
async function prime({ port }: Peer, { path, asksOrigin }: Scenario): Promise<void> {
  if (asksOrigin) return
  for (let time = 0; time < 2; time += 1) await (await fetch(`http://127.0.0.1:${port}${path}`)).arrayBuffer()
}
