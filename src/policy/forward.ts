/** The fields of the request sent to the origin (RFC 9110 section 7.6, RFC 7239). */
import { type Fields, field, fieldLines, has, HOP_BY_HOP } from '../fields.ts'
import type { CacheRequest, Peer, Rules } from '../model.ts'
import { CONDITIONALS } from './fields/conditionals.ts'
import { forwarding, joined } from './fields/forwarded.ts'
import { connectionOptions } from './fields/hop-by-hop.ts'
import { hopsLeft } from './fields/max-forwards.ts'
import { isImpersonating } from './fields/impersonating-fields.ts'
import { lenientName } from './fields/lenient-names.ts'
import { normalCodings, PREFERENCE_FIELDS } from './fields/preferences.ts'
import { memoized } from './memoized.ts'
import { splitUrl } from './target.ts'
import { SURROGATE } from './fields/targeted-control.ts'
import { viaMember } from './fields/via.ts'

export interface UpstreamOptions {
  /** Conditional field lines added by the cache. */
  readonly conditions: readonly string[] | undefined
  /** The response is for other clients too: this client's conditions and range are left out. */
  readonly stripConditionals: boolean
  /** The response may turn out to be for other clients too: fields meaningless in this request are left out. */
  readonly mayBeStored: boolean
  readonly authority: string
  readonly scheme: string
  /** Mode `ignore` of `cookies` leaves Cookie out. */
  readonly rules: Pick<Rules, 'cookies' | 'via'>
  readonly hasBody: boolean
}

/** Rewritten below, or left to the transport. Trailer is dropped, as request trailers are not forwarded. */
const REWRITTEN = new Set([
  'content-length',
  'expect',
  'forwarded',
  'host',
  'max-forwards',
  'surrogate-capability',
  'trailer',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
])

/** Fields that describe content, meaningless in a request without content. */
const MEANINGLESS = new Set([
  'content-encoding',
  'content-language',
  'content-location',
  'content-range',
  'content-type',
])

/**
 * The fields to send: the client's end-to-end fields, then ours. Fields named by the client's Connection are removed
 * first, so that it cannot remove ours.
 */
export function upstreamFields(request: CacheRequest, options: UpstreamOptions): string[] {
  const trusted = request.peer?.trusted === true
  const named = connectionOptions(request.fields)
  const fields = ['Host', options.authority]
  const forOthers = options.mayBeStored || request.method === 'POST' // its response may also answer a GET
  for (let at = 0; at + 1 < request.fields.length; at += 2) {
    const is = fieldNamed(request.fields[at] ?? '')
    if (is.notForwarded || is.respelled || named.has(is.name) || named.has(is.lenientName)) continue
    if (options.stripConditionals && is.conditional) continue
    if (options.mayBeStored && !options.hasBody && is.meaningless) continue
    if ((is.cookie && options.rules.cookies === 'ignore') || (!trusted && is.impersonating)) continue
    if (is.name === CODINGS && forOthers) continue
    fields.push(request.fields[at] ?? '', request.fields[at + 1] ?? '')
  }
  const codings = forOthers ? sentValue(CODINGS, request) : undefined
  if (codings !== undefined) fields.push('Accept-Encoding', codings)
  const hops = hopsLeft(request)
  if (hops !== undefined) fields.push('Max-Forwards', String(hops - 1))
  if (options.conditions !== undefined) fields.push(...options.conditions)
  fields.push(...framing(request.fields, options), ...forwarding(request.fields, request.peer, options))
  fields.push('Surrogate-Capability', surrogates(request.fields, trusted))
  fields.push('Via', joined(field(request.fields, 'via'), viaMember(options.rules.via)))
  return fields
}

/** What is known of a request field by its name. */
interface NamedField {
  /** Lower-cased. */
  readonly name: string
  /** As lenient origins read it. */
  readonly lenientName: string
  /** Hop-by-hop, rewritten, or never forwarded: `Proxy` has no legitimate use, and CGI trusts it (CVE-2016-5385). */
  readonly notForwarded: boolean
  /** A negotiation field in a spelling that no client uses but some origins read as the usual one. */
  readonly respelled: boolean
  readonly conditional: boolean
  readonly meaningless: boolean
  readonly cookie: boolean
  readonly impersonating: boolean
  /** Taken only from a trusted peer; an untrusted client's value does not reach the origin. */
  readonly trustedOnly: boolean
}

/** Memoized: clients send the same few names. */
const fieldNamed = memoized((spelling): NamedField => {
  const name = spelling.toLowerCase()
  const read = lenientName(name)
  const impersonating = isImpersonating(read)
  return {
    name,
    lenientName: read,
    notForwarded: HOP_BY_HOP.has(name) || HOP_BY_HOP.has(read) || REWRITTEN.has(read) || read === 'proxy',
    respelled: read !== name && PREFERENCE_FIELDS.has(read),
    conditional: CONDITIONALS.has(read),
    meaningless: MEANINGLESS.has(read),
    cookie: read === 'cookie',
    impersonating,
    trustedOnly: impersonating || read === 'host' || read === 'surrogate-capability',
  }
})

/** Whether the origin gets this field as sent, trusted peer or not. @param name lower-cased */
export const isSentAsReceived = (name: string): boolean => !fieldNamed(name).trustedOnly

/** Whether the origin gets this peer's value of the field, and the value is not part of every key already. */
export const reachesOriginBeyondKey = (name: string, peer: Peer | undefined): boolean =>
  isSentAsReceived(name) || (peer?.trusted === true && !IN_EVERY_KEY.has(name))

/** Scheme and authority, as sent to the origin, are part of every key. */
const IN_EVERY_KEY = new Set(['host', 'x-forwarded-host', 'x-forwarded-proto'])

/**
 * The value of a field that the origin gets, unless it is part of every key; undefined if an untrusted client sends a
 * field that only a trusted peer may.
 * @param name lower-cased
 */
export function sentValue(name: string, { fields, peer, url }: CacheRequest): string | undefined {
  if (name === 'forwarded' || name === 'x-forwarded-for') return field(forwarding(fields, peer, splitUrl(url)), name)
  const value = reachesOriginBeyondKey(name, peer) ? field(fields, name) : undefined
  return name === CODINGS && value !== undefined ? normalCodings(value) : value
}

const CODINGS = 'accept-encoding'

/**
 * `TE: trailers` is forwarded if the response is for one client; other transfer codings are negotiated per connection.
 */
function framing(received: Fields, { hasBody, stripConditionals }: UpstreamOptions): string[] {
  const fields: string[] = []
  if (!stripConditionals && /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(field(received, 'te') ?? ''))
    fields.push('TE', 'trailers')
  const lengths = fieldLines(received, 'content-length')
  const [length] = lengths
  if (!hasBody || length === undefined || lengths.length > 1 || has(received, 'transfer-encoding')) return fields
  if (/^\d{1,15}$/.test(length)) fields.push('Content-Length', length)
  return fields
}

/** Surrogate-Capability (W3C Edge Architecture); an untrusted client's value could influence the content. */
function surrogates(received: Fields, trusted: boolean): string {
  return joined(trusted ? field(received, 'surrogate-capability') : undefined, `${SURROGATE}="Surrogate/1.0"`)
}
