import type { Explanation } from '../cache/http/explain.ts'
import { AdminError, type AdminFlags, askAdmin, contentOf, refused, reportingErrors } from './admin-api.ts'

export interface ExplainFlags extends AdminFlags {
  readonly method?: string
  readonly header?: readonly string[]
  readonly json?: boolean
}

/** `herdgate explain URL`: what would happen to this request, and why. Asks no origin. */
export async function explain(url: string, flags: ExplainFlags): Promise<void> {
  await reportingErrors(async () => {
    const query = new URLSearchParams({ url, ...(flags.method !== undefined && { method: flags.method }) })
    for (const line of flags.header ?? []) query.append('header', fieldOf(line))
    const answer = await askAdmin(`/v1/explain?${query.toString()}`, flags)
    if (answer.status !== 200) throw refused(answer)
    const explanation = contentOf<Explanation>(answer, 'decision')
    const text = flags.json === true ? JSON.stringify(explanation, null, 2) : describe(explanation)
    process.stdout.write(`${text}\n`)
  })
}

/** Reads `Name: value`, as curl takes it. */
function fieldOf(line: string): string {
  const colon = line.indexOf(':')
  if (colon < 1) throw new AdminError(`--header: expected "Name: value", got ${line}`, 2)
  return `${line.slice(0, colon).trim()}:${line.slice(colon + 1).trim()}`
}

function describe({ request, route, decision, why, key, variant, stored }: Explanation): string {
  const rows: [string, string | undefined][] = [
    ['request', `${request.method} ${request.url}`],
    ['route', route ?? 'none'],
    ['decision', `${decision} (${why})`],
    ['key', key === undefined ? undefined : JSON.stringify(key)],
    ['variant', variant === undefined ? undefined : JSON.stringify(variant)],
    ['stored', stored === undefined ? 'nothing' : `${stored.status}, ${stored.bytes} bytes, in ${stored.tier}`],
  ]
  if (stored !== undefined) {
    const { freshness, verdict, position, logPosition, tags, variesOn } = stored
    rows.push(
      ['tags', tags.length === 0 ? 'none' : tags.join(' ')],
      ['varies on', variesOn.length === 0 ? 'nothing' : variesOn.join(', ')],
      ['log', `${verdict}; fetched at position ${position}, the log is at ${logPosition}`],
      ['age', `${freshness.age} s of ${freshness.lifetime} s: ${left(freshness.ttl)}`],
      ['if stale', staleUse(freshness)],
    )
  }
  return rows.flatMap(([name, text]) => (text === undefined ? [] : [`${name.padEnd(9)}  ${text}`])).join('\n')
}

const left = (ttl: number): string => (ttl >= 0 ? `fresh for ${ttl} s` : `expired ${-ttl} s ago`)

function staleUse(freshness: NonNullable<Explanation['stored']>['freshness']): string {
  if (freshness.mustRevalidate) return 'never used: the response forbids it, or is an error'
  const { staleWhileRevalidateFor, staleIfErrorFor } = freshness
  const uses = [
    ...(staleWhileRevalidateFor > Math.max(freshness.ttl, 0)
      ? [`while refreshed, for ${staleWhileRevalidateFor} s`]
      : []),
    ...(staleIfErrorFor > Math.max(freshness.ttl, 0) ? [`when the origin fails, for ${staleIfErrorFor} s`] : []),
  ]
  return uses.length === 0 ? 'not used' : `used ${uses.join('; ')}`
}
