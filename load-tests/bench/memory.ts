import { drive, getRequest } from '../lib/drive.ts'
import { collectedHeap, type Heap } from '../lib/heap.ts'
import { type Herdgate, startHerdgate } from '../lib/herdgate.ts'
import { startServer } from '../lib/processes.ts'

const BODY_BYTES = 1_024
const WARM_UP_ENTRIES = 2_000
const CONNECTIONS = 16

interface Reading extends Heap {
  readonly storeBytes: number
  readonly storeObjects: number
}

/** The memory that a stored response takes besides its body, and what Herdgate counts for it. @returns Markdown */
export async function benchMemory(entries: number): Promise<string[]> {
  await using origin = await startServer('generator', ['load-tests/bench/origin.ts'])
  await using herdgate = await startHerdgate(origin.urls[0] ?? '', ['--memory', '1GiB'], ['--inspect=127.0.0.1:0'])
  await fill(herdgate.dataPort, 0, WARM_UP_ENTRIES)
  const before = await read(herdgate)
  await fill(herdgate.dataPort, WARM_UP_ENTRIES, entries)
  const after = await read(herdgate)
  const stored = after.storeObjects - before.storeObjects
  if (stored !== entries) throw new Error(`${stored} responses of ${entries} are stored`)
  return table(before, after, entries)
}

async function fill(port: number, from: number, count: number): Promise<void> {
  let at = from
  const next = (): Buffer | undefined =>
    at < from + count ? getRequest(port, `/memory/${String((at += 1)).padStart(7, '0')}`) : undefined
  const answered = await drive({ port, connections: CONNECTIONS, bodyBytes: BODY_BYTES, next })
  if (answered !== count) throw new Error(`${answered} answers to ${count} requests`)
}

async function read(herdgate: Herdgate): Promise<Reading> {
  const metrics = await (await fetch(`${herdgate.adminUrl}/metrics`)).text()
  const { heapUsed, external } = await collectedHeap(herdgate.errorLines)
  return {
    heapUsed,
    external,
    storeBytes: gauge(metrics, 'herdgate_store_bytes'),
    storeObjects: gauge(metrics, 'herdgate_store_objects'),
  }
}

function gauge(metrics: string, name: string): number {
  const value = new RegExp(`^${name}\\{[^}]*tier="memory"[^}]*\\} (\\S+)$`, 'm').exec(metrics)?.[1]
  if (value === undefined) throw new Error(`no ${name} in the metrics`)
  return Number(value)
}

function table(before: Reading, after: Reading, entries: number): string[] {
  const each = (read: (reading: Reading) => number): number => (read(after) - read(before)) / entries
  const used = each(({ heapUsed, external }) => heapUsed + external)
  const counted = each(({ storeBytes }) => storeBytes)
  return [
    `Memory per stored response of ${BODY_BYTES} bytes, ${entries} of them, after a full collection`,
    '',
    '| bytes per response | used (heap and external) | counted (`store_bytes`) | counted / used |',
    '| --- | --- | --- | --- |',
    `| in all | ${used.toFixed(0)} | ${counted.toFixed(0)} | ${(counted / used).toFixed(2)} |`,
    `| beside the body | ${(used - BODY_BYTES).toFixed(0)} | ${(counted - BODY_BYTES).toFixed(0)} | |`,
  ]
}
