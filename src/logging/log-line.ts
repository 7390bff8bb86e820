/** Requests and purges as lines for people: `MISS   812ms  200  GET /products/42  stored 30s`. */
import type { EventPayloads, RequestEvent } from '../events.ts'
import type { Result, Selectors } from '../model.ts'
import { printable } from './printable.ts'

/** What each result is called in a line, and its ANSI colour. */
const SHOWN: Readonly<Record<Result, readonly [label: string, color: number]>> = {
  hit: ['HIT', 32],
  stale: ['STALE', 33],
  stale_if_error: ['STALE', 33],
  revalidated: ['REVAL', 36],
  collapsed: ['MISS', 36],
  miss: ['MISS', 34],
  pass: ['PASS', 90],
  error: ['ERROR', 31],
  shed: ['SHED', 31],
}
const LABEL_WIDTH = 5
const TIME_WIDTH = 7
/** How many selectors of one kind a line names. */
const MAX_SELECTORS = 3
const LONGEST_SELECTOR = 80

/** @param path already redacted */
export function requestLine(request: RequestEvent, path: string, color: boolean): string {
  const [label, ansi] = SHOWN[request.outcome.result]
  const head = [painted(label, LABEL_WIDTH, color ? ansi : undefined) + durationText(request.totalMs)]
  return [...head, request.status, `${printable(request.method)} ${path}`.trim(), ...remarks(request)].join('  ')
}

export function purgeLine(purge: EventPayloads['purge'], color: boolean): string {
  const done = purge.outcome === 'done'
  const head =
    painted(purge.mode.toUpperCase(), LABEL_WIDTH, color ? (done ? 35 : 31) : undefined) + durationText(purge.tookMs)
  const where = purge.receipt === undefined ? [] : [`position ${purge.receipt.position}`]
  return [head, purge.outcome, ...selectorTexts(purge.selectors), ...where, `by ${printable(purge.by)}`].join('  ')
}

function remarks({ outcome, aborted }: RequestEvent): string[] {
  const { result, stored, collapsed, detail, ttlMs } = outcome
  const all: string[] = []
  if (stored && ttlMs !== undefined) all.push(`stored ${seconds(ttlMs)}`)
  if (result === 'hit' && ttlMs !== undefined) all.push(`ttl ${seconds(ttlMs)}`)
  if ((result === 'stale' || result === 'stale_if_error') && ttlMs !== undefined)
    all.push(`expired ${seconds(-ttlMs)} ago`)
  if (collapsed) all.push('collapsed')
  if (detail !== undefined) all.push(detail)
  if (aborted) all.push('aborted')
  return all
}

function selectorTexts({ tags = [], urls = [], prefixes = [], all = false }: Selectors): string[] {
  const parts = [
    selectorText('tag', tags),
    selectorText('url', urls),
    selectorText('prefix', prefixes),
    all ? 'everything' : '',
  ]
  return parts.filter((part) => part !== '')
}

function selectorText(kind: string, selectors: readonly string[]): string {
  if (selectors.length === 0) return ''
  const shown = selectors.slice(0, MAX_SELECTORS).map((selector) => printable(selector, LONGEST_SELECTOR))
  const more = selectors.length - shown.length
  return `${kind} ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function painted(label: string, width: number, ansi: number | undefined): string {
  const padded = label.padEnd(width)
  return ansi === undefined ? padded : `\x1b[${ansi}m${padded}\x1b[39m`
}

/** Right-aligned, in the unit that suits it. */
function durationText(ms: number): string {
  const text = ms < 1 ? '<1ms' : ms < 10_000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(1)}s`
  return text.padStart(TIME_WIDTH)
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)}s`
