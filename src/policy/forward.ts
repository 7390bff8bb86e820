/** The fields of the request an origin gets (RFC 9110 section 7.6, RFC 7239). */
import { type Fields, field, fieldLines, has, HOP_BY_HOP } from '../fields.ts'
import type { CacheRequest, Peer, Rules } from '../model.ts'
import { CONDITIONALS } from './conditionals.ts'
import { forwarding, joined } from './forwarded.ts'
import { connectionOptions } from './hop-by-hop.ts'
import { hopsLeft } from './max-forwards.ts'
import { isImpersonating } from './impersonating-fields.ts'
import { asRead } from './lenient-names.ts'
import { normalCodings, PREFERENCE_FIELDS } from './preferences.ts'
import { memoized } from './memoized.ts'
import { locate } from './target.ts'
import { SURROGATE } from './targeted-control.ts'
import { VIA } from './via.ts'

export interface UpstreamOptions {
  /** Precondition lines of our own, in place of the client's. */
  readonly conditions: readonly string[] | undefined
  /** The answer is for more than this client: its preconditions and range are left out. */
  readonly stripConditionals: boolean
  /** The answer may turn out to be for more than this client: what means nothing in its request is left out. */
  readonly mayBeStored: boolean
  readonly authority: string
  readonly scheme: string
  /** `ignore` leaves Cookie out. */
  readonly cookies: Rules['cookies']
  readonly hasBody: boolean
}

/** Written anew below, or the transport's business. Trailer goes as no trailers of a request are sent on. */
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

/** What describes content, in a request without any. */
const MEANINGLESS = new Set([
  'content-encoding',
  'content-language',
  'content-location',
  'content-range',
  'content-type',
])

/**
 * The fields to send: the client's end-to-end ones, then ours. What the client's Connection names is removed
 * before ours are added, so that it cannot name them away.
 */
export function upstreamFields(request: CacheRequest, options: UpstreamOptions): string[] {
  const trusted = request.peer?.trusted === true
  const named = connectionOptions(request.fields)
  const fields = ['Host', options.authority]
  const forOthers = options.mayBeStored || request.method === 'POST' // whose answer may be what a GET gets
  for (let at = 0; at + 1 < request.fields.length; at += 2) {
    const is = fieldNamed(request.fields[at] ?? '')
    if (is.ours || is.respelled || named.has(is.name) || named.has(is.read)) continue
    if (options.stripConditionals && is.conditional) continue
    if (options.mayBeStored && !options.hasBody && is.meaningless) continue
    if ((is.cookie && options.cookies === 'ignore') || (!trusted && is.impersonating)) continue
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
  fields.push('Via', joined(field(request.fields, 'via'), VIA))
  return fields
}

/** What a field of a request is, by its name alone. */
interface NamedField {
  /** In lower case, and as lenient origins read it. */
  readonly name: string
  readonly read: string
  /** For this connection, written anew, or for nobody: no proxy states `Proxy`, and CGI believes it (CVE-2016-5385). */
  readonly ours: boolean
  /** It says what the client would rather have, in a spelling that no client uses and some origins take for the usual one. */
  readonly respelled: boolean
  readonly conditional: boolean
  readonly meaningless: boolean
  readonly cookie: boolean
  readonly impersonating: boolean
  /** What a stranger says there reaches no origin. */
  readonly believed: boolean
}

/** Clients send the same few. */
const fieldNamed = memoized((spelling): NamedField => {
  const name = spelling.toLowerCase()
  const read = asRead(name)
  const impersonating = isImpersonating(read)
  return {
    name,
    read,
    ours: HOP_BY_HOP.has(name) || HOP_BY_HOP.has(read) || REWRITTEN.has(read) || read === 'proxy',
    respelled: read !== name && PREFERENCE_FIELDS.has(read),
    conditional: CONDITIONALS.has(read),
    meaningless: MEANINGLESS.has(read),
    cookie: read === 'cookie',
    impersonating,
    believed: impersonating || read === 'host' || read === 'surrogate-capability',
  }
})

/** Does the origin get this field as the client sends it, whoever that is? @param name lower-cased */
export const isSentAsReceived = (name: string): boolean => !fieldNamed(name).believed

/** Does the origin get this field of a request with what the client says, as far as that is not in every key? */
export const isHeard = (name: string, peer: Peer | undefined): boolean =>
  isSentAsReceived(name) || (peer?.trusted === true && !IN_EVERY_KEY.has(name))

/** Scheme and authority, as the origin is told them, are part of every key. */
const IN_EVERY_KEY = new Set(['host', 'x-forwarded-host', 'x-forwarded-proto'])

/**
 * What the origin gets in a field, as far as it is not in every key: nothing, where a stranger says what only a trusted
 * peer may.
 * @param name lower-cased
 */
export function sentValue(name: string, { fields, peer, url }: CacheRequest): string | undefined {
  if (name === 'forwarded' || name === 'x-forwarded-for') return field(forwarding(fields, peer, locate(url)), name)
  const value = isHeard(name, peer) ? field(fields, name) : undefined
  return name === CODINGS && value !== undefined ? normalCodings(value) : value
}

const CODINGS = 'accept-encoding'

/**
 * TE: trailers tells the origin that trailers are welcome, where they are for one client; other transfer codings are
 * ours to negotiate.
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

/** What we can do for Surrogate-Control (W3C Edge Architecture); from a stranger the field would choose the content. */
function surrogates(received: Fields, trusted: boolean): string {
  return joined(trusted ? field(received, 'surrogate-capability') : undefined, `${SURROGATE}="Surrogate/1.0"`)
}
