import { z } from 'zod'
import type { GeneratorOrders } from './generator.ts'
import type { Given } from '../lib/given.ts'
import { portOf, startHerdgate } from '../lib/herdgate.ts'
import { pinned, runJson, startServer } from '../lib/processes.ts'
import { showSpread, spread } from '../lib/rounds.ts'

const BODY_BYTES = 1_024
const CONNECTIONS = 32
const PATH = '/hit'

/** What generator.ts prints. */
const generatorReport = z.object({ requests: z.number(), seconds: z.number(), serverCpuMicroseconds: z.number() })

interface Round {
  /** Server CPU time per request. */
  readonly microseconds: number
  readonly requestsPerSecond: number
}

/** The cost of a hit in Herdgate, compared with a bare Fastify route that returns as many bytes. @returns Markdown */
export async function benchHit(rounds: number, measureMs: number): Promise<string[]> {
  await using origin = await startServer('generator', ['load-tests/bench/origin.ts'])
  await using herdgate = await startHerdgate(origin.urls[0] ?? '')
  const hit = await warm(herdgate.dataPort)
  await using fastify = await startServer('server', ['load-tests/lib/bare-fastify.ts', JSON.stringify(hit)])
  const fastifyPort = portOf(fastify.urls[0] ?? '')

  const ours: Round[] = []
  const theirs: Round[] = []
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await measure(herdgate.dataPort, herdgate.pid, measureMs))
    theirs.push(await measure(fastifyPort, fastify.pid, measureMs))
  }
  return table(ours, theirs)
}

/** Stores the response and describes it as a hit, so that the other server can send the same fields and size. */
async function warm(port: number): Promise<Given> {
  await (await fetch(`http://127.0.0.1:${port}${PATH}`)).text()
  const hit = await fetch(`http://127.0.0.1:${port}${PATH}`)
  const body = await hit.text()
  const cacheStatus = hit.headers.get('cache-status') ?? ''
  if (!/;\s*hit/.test(cacheStatus) || body.length !== BODY_BYTES) throw new Error(`no hit: ${cacheStatus}`)
  const framing = new Set(['connection', 'keep-alive', 'date', 'content-length'])
  const fields = Object.fromEntries([...hit.headers].filter(([name]) => !framing.has(name)))
  return { fields, bodyBytes: { [PATH]: BODY_BYTES }, etag: fields['etag'] ?? 'none' }
}

async function measure(port: number, serverPid: number, measureMs: number): Promise<Round> {
  const orders: GeneratorOrders = {
    port,
    path: PATH,
    bodyBytes: BODY_BYTES,
    connections: CONNECTIONS,
    warmUpMs: 500,
    measureMs,
    serverPid,
  }
  const report = await runJson('generator', ['load-tests/bench/generator.ts', JSON.stringify(orders)], generatorReport)
  return {
    microseconds: report.serverCpuMicroseconds / report.requests,
    requestsPerSecond: report.requests / report.seconds,
  }
}

function table(ours: readonly Round[], theirs: readonly Round[]): string[] {
  const cpu = (rounds: readonly Round[]) => spread(rounds.map(({ microseconds }) => microseconds))
  const rate = (rounds: readonly Round[]) => spread(rounds.map(({ requestsPerSecond }) => requestsPerSecond / 1_000))
  const ratios = ours.map(({ microseconds }, round) => microseconds / (theirs[round]?.microseconds ?? Number.NaN))
  const row = (name: string, rounds: readonly Round[]) =>
    `| ${name} | ${showSpread(cpu(rounds))} | ${showSpread(rate(rounds))} |`
  return [
    `Hit of ${BODY_BYTES} bytes, ${CONNECTIONS} keep-alive connections, ${ours.length} interleaved rounds` +
      (pinned ? ', server and generator on a core each' : ', not pinned to cores'),
    '',
    '| server | CPU per request, µs | thousand requests/s |',
    '| --- | --- | --- |',
    row('Herdgate, memory hit', ours),
    row('Fastify, bare route', theirs),
    `| ratio | ${showSpread(spread(ratios), 2)} | |`,
  ]
}
