import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../model.ts'
import type { ApiRequest } from './resources.ts'

const REPORT_CHUNKS = 30
const ROWS_PER_CHUNK = 2_300
const EVENT_INTERVAL_MS = 1_000

/** About 2 MB of CSV, spread evenly over `durationMs`; slower if the reader is. */
export function streamReport(response: ServerResponse, request: ApiRequest, durationMs: number, clock: Clock): void {
  response.writeHead(200, {
    'Content-Type': 'text/csv',
    'Cache-Control': 'public, max-age=60',
    'Surrogate-Key': 'report',
  })
  pour(response, request, reportRows(request, durationMs / REPORT_CHUNKS, clock))
}

/** An endless stream of server-sent events, never to be stored. */
export function streamEvents(response: ServerResponse, request: ApiRequest, clock: Clock): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  pour(response, request, ticks(clock))
}

async function* reportRows(request: ApiRequest, pauseMs: number, clock: Clock): AsyncGenerator<string> {
  yield `# generatedAt=${new Date(request.now).toISOString()} originHits=${request.hits}\nrow,product,sold,price\n`
  for (let chunk = 0; chunk < REPORT_CHUNKS; chunk += 1) {
    await pause(clock, pauseMs)
    let rows = ''
    for (let row = chunk * ROWS_PER_CHUNK; row < (chunk + 1) * ROWS_PER_CHUNK; row += 1) {
      rows += `${String(row).padStart(6, '0')},product-${String((row * 7919) % 100_000).padStart(5, '0')},${row % 97},${(row * 31) % 9_973}\n`
    }
    yield rows
  }
}

async function* ticks(clock: Clock): AsyncGenerator<string> {
  for (let id = 1; ; id += 1) {
    yield `id: ${id}\ndata: ${new Date(clock.now()).toISOString()}\n\n`
    await pause(clock, EVENT_INTERVAL_MS)
  }
}

/** A client that leaves ends the stream, which is not an error. */
function pour(response: ServerResponse, { method }: ApiRequest, chunks: AsyncGenerator<string>): void {
  if (method === 'HEAD') return void response.end()
  pipeline(Readable.from(chunks), response).catch(() => response.destroy())
}

const pause = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))
