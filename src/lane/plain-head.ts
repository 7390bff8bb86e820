import type { Fields } from '../fields.ts'

/** A request's head in the one form that leaves nothing to interpret. */
export interface PlainHead {
  readonly method: string
  /** Origin form. */
  readonly target: string
  readonly fields: Fields
  readonly host: string
  /** Octets of the head. */
  readonly length: number
  /** Octets of content that follow it. */
  readonly contentLength: number
  /** A field that makes the answer turn on more than a copy's freshness: Range. */
  readonly asksForRange: boolean
  /** If-None-Match or If-Modified-Since. */
  readonly isConditional: boolean
  /** X-Forwarded-Proto, which a trusted proxy may say. */
  readonly forwardedProto: string | undefined
}

/**
 * One line per field, names of letters, digits and hyphens, one space, values of visible ASCII and inner spaces, CRLF:
 * what every client of today sends, and what no two parsers read differently.
 */
const PLAIN =
  /^([A-Z]{3,16}) (\/[\x21\x22\x24-\x7e]*) HTTP\/1\.1\r\n((?:[A-Za-z][A-Za-z0-9-]*: [\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?\r\n)+)\r\n/

/** What a head may not say here, though each has its meaning: it is for node:http to deal with. */
const NOT_PLAIN = new Set([
  'expect',
  'http2-settings',
  'keep-alive',
  'max-forwards',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Reads a head that stands at the beginning of some octets, and all of it.
 * @returns undefined where there is the slightest doubt
 */
export function readPlainHead(octets: string): PlainHead | undefined {
  const match = PLAIN.exec(octets)
  if (match === null) return undefined
  const [{ length }, method = '', target = '', lines = ''] = match
  const fields: string[] = []
  let host: string | undefined
  let contentLength: number | undefined
  let asksForRange = false
  let isConditional = false
  let forwardedProto: string | undefined
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(':', at)
    const end = lines.indexOf('\r', colon)
    const name = lines.slice(at, colon)
    const value = lines.slice(colon + 2, end)
    fields.push(name, value)
    at = end + 2
    switch (name.length) {
      case 4:
        if (name !== 'Host' && name.toLowerCase() !== 'host') break
        if (host !== undefined) return undefined
        host = value
        break
      case 5:
        asksForRange ||= name.toLowerCase() === 'range'
        break
      case 10:
        if (name.toLowerCase() === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined
        if (NOT_PLAIN.has(name.toLowerCase())) return undefined
        break
      case 13:
        isConditional ||= name.toLowerCase() === 'if-none-match'
        break
      case 14:
        if (name.toLowerCase() !== 'content-length') {
          if (NOT_PLAIN.has(name.toLowerCase())) return undefined
          break
        }
        if (contentLength !== undefined || !/^(?:0|[1-9]\d{0,14})$/.test(value)) return undefined
        contentLength = Number(value)
        break
      case 17:
        if (name.toLowerCase() === 'if-modified-since') isConditional = true
        else if (name.toLowerCase() === 'x-forwarded-proto') {
          if (forwardedProto !== undefined) return undefined
          forwardedProto = value
        } else if (NOT_PLAIN.has(name.toLowerCase())) return undefined
        break
      case 2:
      case 6:
      case 7:
      case 12:
      case 16:
        if (NOT_PLAIN.has(name.toLowerCase())) return undefined
        break
    }
  }
  if (host === undefined) return undefined
  return {
    method,
    target,
    fields,
    host,
    length,
    contentLength: contentLength ?? 0,
    asksForRange,
    isConditional,
    forwardedProto,
  }
}
