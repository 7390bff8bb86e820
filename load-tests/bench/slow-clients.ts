import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { cpuMicroseconds } from '../lib/cpu.ts'
import { type Herdgate, startHerdgate } from '../lib/herdgate.ts'
import type { LatencyOrders } from './latency.ts'
import { hasObserverPriority, runJson, runJsonLines, startServer } from '../lib/processes.ts'
import type { CrowdOrders } from './slow-crowd.ts'

const PATH = '/hit'
const HEAD_TIMEOUT_MS = 10_000
const WINDOW_MS = 10_000
/** Late heads and expired windows are found by polling, buffers fill first, and a machine may be busy. */
const SLACK_MS = 3_000
const MEASURE_MS = 6_000
/** Time to read and answer what has arrived, as far as possible. */
const SETTLE_MS = 1_000
/** What one slow client may cost Herdgate, apart from kernel buffers. */
const MAX_BYTES_EACH = 64 * 1024
/** CPU time, from connecting to hanging up. */
const MAX_CPU_MS_EACH = 4
const MAX_SLOWDOWN = 2
/** Besides a connection for each client: origins, listeners, files. */
const OTHER_DESCRIPTORS = 500

const LATEST_MS: Readonly<Record<string, number>> = {
  head: HEAD_TIMEOUT_MS + SLACK_MS,
  content: 2 * WINDOW_MS + SLACK_MS,
  reading: 2 * WINDOW_MS + SLACK_MS,
}

const CONFIG = `version: 1
limits: { headTimeout: ${HEAD_TIMEOUT_MS}ms, minRate: 1KiB, minRateWindow: ${WINDOW_MS}ms }
`

const staysSchema = z.object({ kind: z.string(), ms: z.number().array(), left: z.number() }).array()
type Stays = z.infer<typeof staysSchema>

interface Claim {
  readonly holds: boolean
  readonly row: string
}

/**
 * Measures many slow clients beside a few ordinary ones.
 * @returns Markdown; the exit code is 1 if the ordinary ones suffer, slow ones cost too much memory or CPU time, or a
 * slow one is not hung up on in time
 */
export async function benchSlow(clients: number): Promise<string[]> {
  requireDescriptors(clients + OTHER_DESCRIPTORS)
  const folder = mkdtempSync(join(tmpdir(), 'herdgate-bench-'))
  try {
    const config = join(folder, 'herdgate.yaml')
    writeFileSync(config, CONFIG)
    await using origin = await startServer('generator', ['load-tests/bench/origin.ts'])
    await using herdgate = await startHerdgate(origin.urls[0] ?? '', ['--config', config, '--log-level', 'warn'])
    return report(clients, await measure(herdgate, clients))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What ordinary clients measured, and the server's metrics for the same time. */
interface Observed {
  /** Milliseconds per response, ascending. */
  readonly latencies: readonly number[]
  /** Milliseconds from the request's head within which 99 % of hits had theirs ready, by the histogram's bounds. */
  readonly firstByteMs: number
  /** The longest time that the event loop was blocked, in ms. */
  readonly heldUpMs: number
}

interface Measured {
  readonly alone: Observed
  readonly coming: Observed
  readonly beside: Observed
  readonly stays: Stays
  readonly bytesBefore: number
  readonly bytesMost: number
  readonly cpuMs: number
}

async function measure(herdgate: Herdgate, clients: number): Promise<Measured> {
  const { dataPort, pid } = herdgate
  await (await fetch(`http://127.0.0.1:${dataPort}/large`, { headers: { Host: 'slow.test' } })).arrayBuffer()
  await observe(herdgate)
  const alone = await observe(herdgate)
  const bytesBefore = residentBytes(pid, 'VmRSS')
  const cpuBefore = cpuMicroseconds(pid)
  const orders: CrowdOrders = { port: dataPort, clients, patienceMs: 60_000 }
  await using crowd = runJsonLines('generator', ['load-tests/bench/slow-crowd.ts', JSON.stringify(orders)])
  const [coming, { value: first }] = await Promise.all([observe(herdgate), crowd.next()])
  z.object({ came: z.literal(clients) }).parse(first)
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const beside = await observe(herdgate)
  const { value: stays } = await crowd.next()
  const cpuMs = (cpuMicroseconds(pid) - cpuBefore) / 1000
  const bytesMost = residentBytes(pid, 'VmHWM')
  return { alone, coming, beside, stays: staysSchema.parse(stays), bytesBefore, bytesMost, cpuMs }
}

async function observe({ dataPort, adminUrl }: Herdgate): Promise<Observed> {
  const before = await scrape(adminUrl) // the event loop's delays are those since the last scrape
  const measured = await latencies(dataPort)
  const after = await scrape(adminUrl)
  const hits = (page: string): [number, number][] => bucketsOf(page, 'herdgate_time_to_first_byte_seconds', 'hit')
  const earlier = new Map(hits(before))
  const counts = hits(after).map(([bound, count]): [number, number] => [bound, count - (earlier.get(bound) ?? 0)])
  const all = counts.at(-1)?.[1] ?? 0
  const firstByte = counts.find(([, count]) => count >= all * 0.99)?.[0] ?? Number.NaN
  const maxLag = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(after)?.[1]
  return { latencies: measured, firstByteMs: firstByte * 1000, heldUpMs: Number(maxLag) * 1000 }
}

const scrape = async (adminUrl: string): Promise<string> => (await fetch(`${adminUrl}/metrics`)).text()

/** Bounds in seconds, ascending, each with the number of values not above it. */
function bucketsOf(page: string, name: string, result: string): [number, number][] {
  const lines = page.matchAll(new RegExp(`^${name}_bucket\\{([^}]*)\\} (\\d+)$`, 'gm'))
  return [...lines].flatMap(([, labels = '', count]): [number, number][] => {
    const bound = /le="([^"]+)"/.exec(labels)?.[1]
    return labels.includes(`result="${result}"`) ? [[bound === '+Inf' ? Infinity : Number(bound), Number(count)]] : []
  })
}

async function latencies(port: number): Promise<number[]> {
  const orders: LatencyOrders = { port, path: PATH, clients: 16, everyMs: 20, forMs: MEASURE_MS }
  const measured = await runJson(
    'observer',
    ['load-tests/bench/latency.ts', JSON.stringify(orders)],
    z.number().array(),
  )
  return measured.toSorted((one, other) => one - other)
}

function report(clients: number, measured: Measured): string[] {
  const { alone, coming, beside, stays, bytesBefore, bytesMost, cpuMs } = measured
  const ratio = quantile(beside.latencies, 0.99) / quantile(alone.latencies, 0.99)
  const bytesEach = Math.max(0, bytesMost - bytesBefore) / clients
  const ms = ({ latencies: sorted }: Observed): string => quantile(sorted, 0.99).toFixed(2)
  const claims: Claim[] = [
    {
      holds: ratio <= MAX_SLOWDOWN,
      row: `| p99 of ordinary clients, ms | ${ms(alone)} alone, ${ms(beside)} beside them: × ${ratio.toFixed(2)} | × ${MAX_SLOWDOWN} |`,
    },
    {
      holds: bytesEach <= MAX_BYTES_EACH,
      row: `| memory (resident, at its highest), KiB each | ${(bytesEach / 1024).toFixed(1)} | ${MAX_BYTES_EACH / 1024} |`,
    },
    {
      holds: cpuMs / clients <= MAX_CPU_MS_EACH,
      row: `| processor time, ms each | ${(cpuMs / clients).toFixed(2)} | ${MAX_CPU_MS_EACH} |`,
    },
    ...stays.map(stayClaim),
  ]
  if (claims.some(({ holds }) => !holds)) process.exitCode = 1
  const phases = [alone, coming, beside]
  const phaseRow = (what: string, of: (observed: Observed) => string): string =>
    `| ${what} | ${phases.map(of).join(' | ')} |`
  return [
    `${clients} slow clients (1 octet a second) beside 16 ordinary ones (800 hits a second)`,
    ...(hasObserverPriority
      ? []
      : ['', 'The ordinary ones had to wait for the slow ones: only root may run them first.']),
    '',
    '| | measured | at most | holds |',
    '| --- | --- | --- | --- |',
    ...claims.map(({ holds, row }) => `${row} ${holds ? 'yes' : '**no**'} |`),
    '',
    '| in ms | alone | while they come | beside them |',
    '| --- | --- | --- | --- |',
    phaseRow('ordinary clients, median', ({ latencies: sorted }) => quantile(sorted, 0.5).toFixed(2)),
    phaseRow('ordinary clients, p99', ms),
    phaseRow('the server: 99 % of hits had their head ready within', ({ firstByteMs }) => firstByteMs.toFixed(2)),
    phaseRow('the server: its event loop was held up for at most', ({ heldUpMs }) => heldUpMs.toFixed(1)),
  ]
}

function stayClaim({ kind, ms, left }: Stays[number]): Claim {
  const most = LATEST_MS[kind] ?? 0
  const sorted = ms.toSorted((one, other) => one - other)
  const latest = sorted.at(-1) ?? Number.POSITIVE_INFINITY
  const seconds = (time: number): string => (time / 1000).toFixed(1)
  const measured = `${seconds(quantile(sorted, 0.5))} median, ${seconds(latest)} last${left > 0 ? `, ${left} never` : ''}`
  return {
    holds: left === 0 && latest <= most,
    row: `| ${kind}: ${ms.length} hung up on after, s | ${measured} | ${seconds(most)} |`,
  }
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

/** From proc_pid_status(5). Linux only. */
function residentBytes(pid: number, which: 'VmRSS' | 'VmHWM'): number {
  const kib = new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return Number(kib) * 1024
}

/** Node raises its own soft limit to the hard one. */
function requireDescriptors(count: number): void {
  const most = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
  if (most !== 'unlimited' && Number(most) < count) {
    throw new Error(`${count} file descriptors are needed and ${most} allowed: raise the hard limit (ulimit -Hn)`)
  }
}
