/**
 * Field lines of a message (RFC 9110 section 5) as a flat list: name, value, name, value, in the order received, with
 * names spelled as received. It keeps duplicates and order, takes one array per message, and node:http writes it
 * without conversion. Names are case-insensitive; the functions below look them up whatever their case.
 */
export type Fields = readonly string[]

/** Lower-cased names of fields that are hop-by-hop by definition or in practice (RFC 9110 section 7.6.1). */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** Each field line's name (lower-cased) and value. */
export function* lines(fields: Fields): Generator<[name: string, value: string]> {
  for (let at = 0; at + 1 < fields.length; at += 2) yield [nameAt(fields, at), fields[at + 1] ?? '']
}

/**
 * The combined value of a field, its lines joined by ", " (RFC 9110 section 5.3); undefined if absent.
 * @param name lower-case
 */
export function field(fields: Fields, name: string): string | undefined {
  let value: string | undefined
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (!isNamed(fields, at, name)) continue
    value = value === undefined ? fields[at + 1] : `${value}, ${fields[at + 1]}`
  }
  return value
}

/** The lines of a field separately: for Set-Cookie, which must not be combined, and for counting duplicates. */
export function fieldLines(fields: Fields, name: string): string[] {
  const found: string[] = []
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (isNamed(fields, at, name)) found.push(fields[at + 1] ?? '')
  }
  return found
}

export function has(fields: Fields, name: string): boolean {
  for (let at = 0; at < fields.length; at += 2) if (isNamed(fields, at, name)) return true
  return false
}

/** A copy without the fields for whose lower-cased name `dropped` returns true. */
export function without(fields: Fields, dropped: (name: string) => boolean): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (!dropped(nameAt(fields, at))) kept.push(fields[at] ?? '', fields[at + 1] ?? '')
  }
  return kept
}

/**
 * Removes optional white space (RFC 9110 section 5.6.3): space and tab. String.trim would also remove characters that
 * an origin may distinguish, such as a no-break space.
 */
export function trimmed(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isWhiteSpace(text, from)) from += 1
  while (to > from && isWhiteSpace(text, to - 1)) to -= 1
  return text.slice(from, to)
}

function isWhiteSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === 0x20 || code === 0x09
}

const nameAt = (fields: Fields, at: number): string => (fields[at] ?? '').toLowerCase()

function isNamed(fields: Fields, at: number, name: string): boolean {
  const candidate = fields[at]
  return (
    candidate !== undefined &&
    candidate.length === name.length &&
    (candidate === name || candidate.toLowerCase() === name)
  )
}
