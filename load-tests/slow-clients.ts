import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { cpuMicroseconds } from './cpu.ts'
import { type Herdgate, startHerdgate } from './herdgate.ts'
import type { LatencyOrders } from './latency.ts'
import { runJson, runJsonLines, startServer } from './processes.ts'
import type { CrowdOrders } from './slow-crowd.ts'

const PATH = '/hit'
const HEAD_TIMEOUT_MS = 10_000
const WINDOW_MS = 10_000
/** Nodes look for late heads once a second; the window may begin while buffers still fill; and a machine is busy. */
const SLACK_MS = 3_000
const MEASURE_MS = 6_000
/** Until all that came has been read and answered as far as it can be. */
const SETTLE_MS = 1_000
/** What one slow client may cost Herdgate, kernel buffers apart. */
const MOST_BYTES_EACH = 64 * 1024
/** Processor time, from connecting to hanging up. */
const MOST_CPU_MS_EACH = 4
const MOST_TIMES_SLOWER = 2
/** Beside a connection for each client: origins, listeners, files. */
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
 * Many slow clients beside a few ordinary ones.
 * @returns Markdown; the exit code is 1 when the ordinary ones suffer, memory grows without measure, or a slow one is
 * not hung up on in time
 */
export async function benchSlow(clients: number): Promise<string[]> {
  requireDescriptors(clients + OTHER_DESCRIPTORS)
  const folder = mkdtempSync(join(tmpdir(), 'herdgate-bench-'))
  try {
    const config = join(folder, 'herdgate.yaml')
    writeFileSync(config, CONFIG)
    await using origin = await startServer('generator', ['load-tests/origin.ts'])
    await using herdgate = await startHerdgate(origin.urls[0] ?? '', ['--config', config, '--log-level', 'warn'])
    return report(clients, await measure(herdgate, clients))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface Measured {
  readonly alone: readonly number[]
  readonly beside: readonly number[]
  readonly stays: Stays
  readonly bytesBefore: number
  readonly bytesMost: number
  readonly cpuMs: number
}

async function measure({ dataPort, pid }: Herdgate, clients: number): Promise<Measured> {
  await (await fetch(`http://127.0.0.1:${dataPort}/large`, { headers: { Host: 'slow.test' } })).arrayBuffer()
  await latencies(dataPort)
  const alone = await latencies(dataPort)
  const bytesBefore = residentBytes(pid, 'VmRSS')
  const cpuBefore = cpuMicroseconds(pid)
  const orders: CrowdOrders = { port: dataPort, clients, patienceMs: 60_000 }
  await using crowd = runJsonLines('generator', ['load-tests/slow-crowd.ts', JSON.stringify(orders)])
  const { value: first } = await crowd.next()
  z.object({ came: z.literal(clients) }).parse(first)
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const beside = await latencies(dataPort)
  const { value: stays } = await crowd.next()
  const cpuMs = (cpuMicroseconds(pid) - cpuBefore) / 1000
  const bytesMost = residentBytes(pid, 'VmHWM')
  return { alone, beside, stays: staysSchema.parse(stays), bytesBefore, bytesMost, cpuMs }
}

/** Milliseconds per answer, ascending. */
async function latencies(port: number): Promise<number[]> {
  const orders: LatencyOrders = { port, path: PATH, clients: 16, everyMs: 20, forMs: MEASURE_MS }
  const measured = await runJson('generator', ['load-tests/latency.ts', JSON.stringify(orders)], z.number().array())
  return measured.toSorted((one, other) => one - other)
}

function report(clients: number, { alone, beside, stays, bytesBefore, bytesMost, cpuMs }: Measured): string[] {
  const ratio = quantile(beside, 0.99) / quantile(alone, 0.99)
  const bytesEach = Math.max(0, bytesMost - bytesBefore) / clients
  const ms = (sorted: readonly number[]): string => quantile(sorted, 0.99).toFixed(2)
  const claims: Claim[] = [
    {
      holds: ratio <= MOST_TIMES_SLOWER,
      row: `| p99 of ordinary clients, ms | ${ms(alone)} alone, ${ms(beside)} beside them: × ${ratio.toFixed(2)} | × ${MOST_TIMES_SLOWER} |`,
    },
    {
      holds: bytesEach <= MOST_BYTES_EACH,
      row: `| memory (resident, at its highest), KiB each | ${(bytesEach / 1024).toFixed(1)} | ${MOST_BYTES_EACH / 1024} |`,
    },
    {
      holds: cpuMs / clients <= MOST_CPU_MS_EACH,
      row: `| processor time, ms each | ${(cpuMs / clients).toFixed(2)} | ${MOST_CPU_MS_EACH} |`,
    },
    ...stays.map(stayClaim),
  ]
  if (claims.some(({ holds }) => !holds)) process.exitCode = 1
  return [
    `${clients} slow clients (1 octet a second) beside 16 ordinary ones (800 hits a second)`,
    '',
    '| | measured | at most | holds |',
    '| --- | --- | --- | --- |',
    ...claims.map(({ holds, row }) => `${row} ${holds ? 'yes' : '**no**'} |`),
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
