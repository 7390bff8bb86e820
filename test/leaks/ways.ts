/** Ways in which Alice's answer could reach others. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gate } from '../support/waiting.ts'
import type { Row } from './rows.ts'
import { type Script, type Shop, send } from './shop.ts'
import type { Asking } from './wire.ts'

/** Is in every answer to Alice, head and content, and in no answer to others. */
export const SECRET = 'belongs-to-alice'

export interface Cell {
  readonly shop: Shop
  readonly row: Row
  readonly path: string
}

export interface Way {
  readonly name: string
  /** The route to use; by default any on which the response's own lifetime counts. */
  readonly route?: 'soft' | 'ahead' | 'plain'
  /** What makes it possible if not freshness: the origin was asked meanwhile, or stale responses may be served. */
  readonly by?: 'asking' | 'staleness'
  /** @returns everything that clients other than Alice received */
  readonly run: (cell: Cell) => Promise<string[]>
}

export const WAYS: readonly Way[] = [
  { name: 'asked for after Alice', run: (cell) => afterAlice(cell) },
  { name: 'asked for with If-None-Match', run: (cell) => afterAlice(cell, { fields: ['If-None-Match: "v"'] }) },
  {
    name: 'asked for with If-Modified-Since',
    run: (cell) => afterAlice(cell, { fields: [`If-Modified-Since: ${LATER}`] }),
  },
  { name: 'a range asked for', run: (cell) => afterAlice(cell, { fields: ['Range: bytes=0-20'] }) },
  { name: 'asked for by HEAD', run: (cell) => afterAlice(cell, { method: 'HEAD' }) },
  { name: 'asked for if cached', run: (cell) => afterAlice(cell, { fields: ['Cache-Control: only-if-cached'] }) },
  { name: 'explained to the operator', by: 'asking', run: explained },
  { name: 'a part after a part', run: partAfterPart },
  { name: 'the whole after a part', run: wholeAfterPart },
  { name: 'waited for', by: 'asking', run: waited },
  { name: 'its error waited for', by: 'asking', run: (cell) => waited(cell, 500) },
  { name: 'its unknown error waited for', by: 'asking', run: (cell) => waited(cell, 599) },
  { name: 'served when the origin hangs up', by: 'staleness', run: (cell) => onError(cell, hangUp) },
  { name: 'served when the origin says 503', by: 'staleness', run: (cell) => onError(cell, unavailable) },
  { name: 'served while it is refreshed', by: 'staleness', run: whileRevalidating },
  { name: 'asked for with max-stale', by: 'staleness', run: accepted },
  { name: 'served when the origin is slow', route: 'soft', by: 'staleness', run: onSlowOrigin },
  { name: "confirmed by Alice's 304", by: 'asking', run: (cell) => revalidatedByAlice(cell, 304) },
  { name: "replaced by Alice's 200", by: 'asking', run: (cell) => revalidatedByAlice(cell, 200) },
  { name: "updated by Alice's HEAD", run: headByAlice },
  { name: 'refreshed in the background for Alice', route: 'plain', run: (cell) => refreshedForAlice(cell, 200) },
  { name: 'confirmed in the background for Alice', route: 'plain', run: (cell) => refreshedForAlice(cell, 304) },
  { name: 'refreshed ahead for Alice', route: 'ahead', run: (cell) => refreshedForAlice(cell, 200) },
  { name: "left by Alice's POST", run: posted },
  { name: 'found by the same QUERY', run: queried },
]

const LATER = new Date(Date.now() + 86_400_000).toUTCString()
const PAST_ITS_MINUTE = 'Age: 90'

// ------------------------------------------------------------------------------------------------ clients

const alice = ({ row, path }: Cell, more: Partial<Asking> = {}): Asking => ({
  path,
  ...more,
  fields: ['X-User: alice', ...(row.credentials?.('alice') ?? []), ...(more.fields ?? [])],
})

/** One identified in the same way as Alice, and one not identified at all. */
const others = ({ row, path }: Cell, more: Partial<Asking> = {}): Asking[] =>
  [row.credentials?.('bob') ?? [], []].map((known) => ({ path, ...more, fields: [...known, ...(more.fields ?? [])] }))

async function all(cell: Cell, askings: readonly Asking[]): Promise<string[]> {
  const received: string[] = []
  for (const asking of askings) received.push(await cell.shop.ask(asking))
  return received
}

// ------------------------------------------------------------------------------------------------ origin

const isAlice = (request: IncomingMessage): boolean => request.headers['x-user'] === 'alice'

interface Manner {
  readonly status?: number
  readonly lines?: readonly string[]
  readonly content?: (whole: string) => string
}

/** The row's answer for the requesting user. */
function personal({ row }: Cell, request: IncomingMessage, response: ServerResponse, manner: Manner = {}): void {
  const { status = 200, lines = [], content = (whole: string) => whole } = manner
  const user = isAlice(request) ? 'alice' : 'whoever'
  const about = isAlice(request) ? SECRET : 'belongs-to-whoever'
  const own = [`X-Account: ${about}`, `Surrogate-Key: ${about}`, 'ETag: "v"', 'X-Lang: en']
  const answer = row.answer(user).map((line) => line.replace(/(sid=).*/, `$1${about}`))
  send(response, status, [...own, ...answer, ...lines], status === 304 ? '' : content(`${about} `.repeat(8)))
}

const says =
  (cell: Cell, manner: Manner = {}): Script =>
  (request, response) =>
    personal(cell, request, response, manner)

/** An answer for everyone, stored on the first request. */
function publicCopy({ row }: Cell, response: ServerResponse, lines: readonly string[] = []): void {
  const lifetime = row.route === undefined ? ['Cache-Control: max-age=60'] : []
  send(response, 200, ['ETag: "v"', ...lifetime, ...lines], 'for everyone')
}

async function storePublicCopy(cell: Cell, lines: readonly string[] = []): Promise<void> {
  cell.shop.serves(cell.path, (_request, response) => publicCopy(cell, response, lines))
  await cell.shop.ask({ path: cell.path })
  await cell.shop.settled()
}

const hangUp: Script = (_request, response) => void response.socket?.destroy()
const unavailable: Script = (_request, response) => send(response, 503, [], 'unavailable')

// ------------------------------------------------------------------------------------------------ ways

async function afterAlice(cell: Cell, more: Partial<Asking> = {}): Promise<string[]> {
  await askedByAlice(cell)
  return all(cell, others(cell, more))
}

async function askedByAlice(cell: Cell, manner: Manner = {}, more: Partial<Asking> = {}): Promise<void> {
  cell.shop.serves(cell.path, says(cell, manner))
  await cell.shop.ask(alice(cell, more))
  await cell.shop.settled()
}

async function explained(cell: Cell): Promise<string[]> {
  await askedByAlice(cell)
  return Promise.all(others(cell).map(({ fields = [] }) => cell.shop.explain(cell.path, fields)))
}

const PART: Partial<Asking> = { fields: ['Range: bytes=0-20'] }
const PART_MANNER: Manner = {
  status: 206,
  lines: ['Content-Range: bytes 0-20/136'],
  content: (whole) => whole.slice(0, 21),
}

async function partAfterPart(cell: Cell): Promise<string[]> {
  await askedByAlice(cell, PART_MANNER, PART)
  return all(cell, others(cell, PART))
}

/** The rest of Alice's part is fetched with or without If-Range; a stranger's answer has nothing of hers. */
async function wholeAfterPart(cell: Cell): Promise<string[]> {
  const { shop, path } = cell
  await askedByAlice(cell, PART_MANNER, PART)
  shop.serves(path, (request, response) => {
    if (request.headers.range === undefined) return personal(cell, request, response)
    personal(cell, request, response, {
      status: 206,
      lines: ['Content-Range: bytes 21-135/136'],
      content: () => 'y'.repeat(115),
    })
  })
  return all(cell, others(cell))
}

async function waited(cell: Cell, status = 200): Promise<string[]> {
  const { shop, path } = cell
  const { open, opened } = gate()
  shop.serves(path, async (request, response) => {
    if (isAlice(request)) await opened
    personal(cell, request, response, { status })
  })
  const first = await shop.asked(alice(cell))
  const waiting = await Promise.all(others(cell).map((asking) => shop.asked(asking)))
  open()
  await first.answer
  return Promise.all(waiting.map(({ answer }) => answer))
}

async function onError(cell: Cell, failure: Script): Promise<string[]> {
  await askedByAlice(cell, { lines: ['Cache-Control: stale-if-error=600'] })
  await cell.shop.invalidate(cell.path)
  cell.shop.serves(cell.path, failure)
  return all(cell, others(cell))
}

async function whileRevalidating(cell: Cell): Promise<string[]> {
  await askedByAlice(cell, { lines: [PAST_ITS_MINUTE, 'Cache-Control: stale-while-revalidate=600'] })
  return all(cell, others(cell))
}

async function accepted(cell: Cell): Promise<string[]> {
  await askedByAlice(cell, { lines: [PAST_ITS_MINUTE] })
  return all(cell, others(cell, { fields: ['Cache-Control: max-stale=600'] }))
}

/** Another stale response is requested last: once it is served, the soft timeout of the others has passed too. */
async function onSlowOrigin(cell: Cell): Promise<string[]> {
  const { shop, path } = cell
  const { open, opened } = gate()
  const last: Cell = { ...cell, path: `${path}/last` }
  await askedByAlice(cell, { lines: ['Cache-Control: stale-if-error=600'] })
  await storePublicCopy(last)
  await shop.invalidate(path)
  await shop.invalidate(last.path)
  for (const slow of [cell, last]) {
    shop.serves(slow.path, async (request, response) => {
      await opened
      personal(cell, request, response)
    })
  }
  const waiting = await Promise.all(others(cell).map((asking) => shop.asked(asking)))
  await shop.ask({ path: last.path })
  open()
  return Promise.all(waiting.map(({ answer }) => answer))
}

async function revalidatedByAlice(cell: Cell, status: number): Promise<string[]> {
  const { shop, path } = cell
  const { open, opened } = gate()
  await storePublicCopy(cell)
  await shop.invalidate(path)
  shop.serves(path, async (request, response) => {
    if (isAlice(request)) await opened
    personal(cell, request, response, { status: isAlice(request) ? status : 200 })
  })
  const first = await shop.asked(alice(cell))
  const waiting = await Promise.all(others(cell).map((asking) => shop.asked(asking)))
  open()
  await first.answer
  const received = await Promise.all(waiting.map(({ answer }) => answer))
  return [...received, ...(await all(cell, others(cell)))]
}

async function headByAlice(cell: Cell): Promise<string[]> {
  await storePublicCopy(cell)
  await cell.shop.invalidate(cell.path)
  // A HEAD with another Content-Length would discard the stored response.
  await askedByAlice(cell, { content: () => 'for everyone' }, { method: 'HEAD' })
  return all(cell, others(cell))
}

async function refreshedForAlice(cell: Cell, status: number): Promise<string[]> {
  const { shop, path } = cell
  const origin = { refreshed: false }
  const ahead = path.startsWith('/ahead/')
  await storePublicCopy(cell, ahead ? [] : [PAST_ITS_MINUTE, 'Cache-Control: stale-while-revalidate=600'])
  shop.serves(path, (request, response) => {
    origin.refreshed = true
    personal(cell, request, response, { status: isAlice(request) ? status : 200 })
  })
  while (!origin.refreshed) await shop.ask(alice(cell), { path: '/plain/pace' })
  await shop.settled()
  return all(cell, others(cell))
}

async function posted(cell: Cell): Promise<string[]> {
  const lines = [`Content-Location: ${cell.path}`]
  await askedByAlice(cell, { lines }, { method: 'POST', content: 'order' })
  return all(cell, others(cell))
}

async function queried(cell: Cell): Promise<string[]> {
  const query: Partial<Asking> = { method: 'QUERY', content: 'what is mine' }
  await askedByAlice(cell, {}, query)
  return all(cell, others(cell, query))
}
