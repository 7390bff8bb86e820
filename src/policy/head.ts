/** Validates a request's head (RFC 9112 sections 2.3, 3.2 and 6). */
import type { ErrorCode } from '../errors.ts'
import { type Fields, field, trimmed } from '../fields.ts'
import { parseTarget, splitUrl } from './target.ts'

/**
 * Fields in a request's head, a few times as many as browsers and proxies send. Each takes several times its octets
 * until the head is complete: with a thousand short ones, ten thousand connections would fill the memory of a small
 * container before anything can refuse them. Apache httpd, Envoy and HAProxy take about 100.
 */
export const MAX_FIELDS = 128

export interface RequestHead {
  readonly method: string
  /** As in the request line. */
  readonly target: string
  /** HTTP version, as in the request line. */
  readonly version: string
  readonly fields: Fields
  /** The scheme the client used, as far as it is trusted. */
  readonly scheme: 'http' | 'https'
  /** The address the request was sent to, as an authority: used if an HTTP/1.0 request has no Host. */
  readonly local: () => string
}

export type ReadHead =
  | {
      readonly ok: true
      readonly url: string
      readonly hasContent: boolean
      /** Nothing may follow it on the connection. */
      readonly isLast: boolean
    }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string }

/**
 * The request's URL and whether content follows, or why it is refused. Parsers differ on unusual framing, so ambiguous
 * framing is refused even if an earlier parser has settled on one reading: the next recipient may choose the other.
 */
export function readHead(head: RequestHead): ReadHead {
  const { method, target, version, fields, scheme, local } = head
  if (version === '0.9') return refusal('no version')
  if (version !== '1.1' && version !== '1.0') return refusal('version', 'version_not_supported')
  if (fields.length > MAX_FIELDS * 2) return refusal('too many fields', 'head_too_large')
  const found = sift(fields)
  const wrong = framingProblem(found, version)
  if (wrong !== undefined) return refusal(wrong)
  if (version === '1.1' && found.expect !== undefined && !isKnown(found.expect)) {
    return refusal('expectation', 'expectation_failed')
  }
  const fallback = version === '1.0' && found.hosts.length === 0 ? local() : undefined
  const parsed = parseTarget({ method, target, hosts: found.hosts, scheme, fallback })
  if (!parsed.ok) return parsed
  const hasContent = found.coding !== undefined || (found.length !== undefined && found.length !== '0')
  // No use is defined for content there (RFC 9110 section 9.3.7), and it would not be forwarded.
  if (hasContent && splitUrl(parsed.url).target === '*') return refusal('content in OPTIONS *')
  if (hasContent && method === 'TRACE') return refusal('content in TRACE') // RFC 9110 section 9.3.8
  // If an upgrade is not accepted, node:http loses bytes that arrived together with the head.
  const isLast = found.upgrade || (version === '1.0' && asksToClose(fields))
  return { ok: true, url: parsed.url, hasContent, isLast }
}

/** The fields that determine a request's host and framing. */
interface Sifted {
  readonly hosts: string[]
  length: string | undefined
  coding: string | undefined
  expect: string | undefined
  upgrade: boolean
  /** A framing field occurs twice, or has "_" in its name, which some recipients read as "-". */
  ambiguous: boolean
}

/** One pass; names are compared only if their length fits. */
function sift(fields: Fields): Sifted {
  const found: Sifted = {
    hosts: [],
    length: undefined,
    coding: undefined,
    expect: undefined,
    upgrade: false,
    ambiguous: false,
  }
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] ?? ''
    const value = fields[at + 1] ?? ''
    switch (name.length) {
      case 4:
        if (name === 'Host' || name.toLowerCase() === 'host') found.hosts.push(value)
        break
      case 6:
        if (name.toLowerCase() === 'expect')
          found.expect = found.expect === undefined ? value : `${found.expect}, ${value}`
        break
      case 7:
        found.upgrade ||= name.toLowerCase() === 'upgrade'
        break
      case 14:
        if (!isReadAs(name, 'content-length')) break
        found.ambiguous ||= found.length !== undefined || name.includes('_')
        found.length = value
        break
      case 17:
        if (!isReadAs(name, 'transfer-encoding')) break
        found.ambiguous ||= found.coding !== undefined || name.includes('_')
        found.coding = value
        break
    }
  }
  return found
}

const isReadAs = (name: string, as: string): boolean => name.toLowerCase().replace('_', '-') === as

/** Decimal without a leading zero, which some parsers read as octal. */
const LENGTH = /^(?:0|[1-9]\d{0,18})$/

function framingProblem({ length, coding, ambiguous }: Sifted, version: string): string | undefined {
  if (ambiguous) return 'content is framed twice'
  if (length !== undefined && !LENGTH.test(length)) return 'Content-Length is malformed'
  if (coding === undefined) return undefined
  if (length !== undefined) return 'both Content-Length and Transfer-Encoding'
  if (version === '1.0') return 'Transfer-Encoding in HTTP/1.0' // RFC 9112 section 6.1
  return coding.toLowerCase() === 'chunked' ? undefined : 'a transfer coding other than chunked'
}

/** 100-continue is the only defined expectation, and HTTP/1.0 has none (RFC 9110 section 10.1.1). */
function isKnown(expect: string): boolean {
  const members = expect.split(',').flatMap((member) => trimmed(member) || [])
  return members.length > 0 && members.every((member) => member.toLowerCase() === '100-continue')
}

/** In HTTP/1.0 node:http goes by `keep-alive` alone, but `close` takes precedence (RFC 9112 section 9.3). */
function asksToClose(fields: Fields): boolean {
  const options = field(fields, 'connection')?.toLowerCase().split(',')
  return options?.some((option) => trimmed(option) === 'close') ?? false
}

function refusal(detail: string, code: ErrorCode = 'malformed_request'): ReadHead {
  return { ok: false, code, detail }
}
