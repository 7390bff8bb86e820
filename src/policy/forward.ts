/** The fields of the request an origin gets (RFC 9110 section 7.6, RFC 7239). */
import { type Fields, field, fieldLines, has } from '../fields.ts'
import type { CacheRequest, Peer, Rules } from '../model.ts'
import { SURROGATE } from './targeted-control.ts'
import { connectionOptions, hopByHop } from './hop-by-hop.ts'

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

const PSEUDONYM = 'herdgate'

const CONDITIONALS = new Set([
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
])

/** Written anew below, or the transport's business. Trailer goes as no trailers of a request are sent on. */
const REWRITTEN = new Set(['content-length', 'expect', 'forwarded', 'host', 'surrogate-capability', 'trailer', 'via'])
const FORWARDED_BY_US = new Set(['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'])

/**
 * Fields by which frameworks, application servers and CDNs let a request say that it is another one: other target,
 * method, host, scheme, client or user. Only a trusted peer may; from anyone else they would poison what others get.
 * Whole families, by how their names begin, and single ones. docs/security.md lists them.
 */
const OVERRIDE_FAMILIES =
  /^(?:cf|cloudfront|forwarded|ssl-client|x-(?:amzn-oidc|appengine|envoy|forward(?:ed|er)?|invoke|middleware|original(?:ly)?|override|rewrite|ssl|vercel))(?:-|$)/
export const OVERRIDES: ReadonlySet<string> = new Set([
  'base-url',
  'client-ip',
  'destination-url',
  'fastly-client-ip',
  'fastly-ssl',
  'front-end-https',
  'host-override',
  'http-host',
  'incap-client-ip',
  'proxy-client-ip',
  'proxy-host',
  'proxy-url',
  'remote-addr',
  'remote-user',
  'request-uri',
  'ssl-https',
  'true-client-ip',
  'wl-proxy-client-ip',
  'wl-proxy-ssl',
  'x-accel-redirect',
  'x-amz-website-redirect-location',
  'x-arr-ssl',
  'x-authenticated-user',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-backend',
  'x-backend-host',
  'x-base-url',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwardedfor',
  'x-host',
  'x-host-override',
  'x-http-destinationurl',
  'x-http-host',
  'x-http-host-override',
  'x-http-method',
  'x-http-method-override',
  'x-http-path-override',
  'x-http-status-code-override',
  'x-https',
  'x-matched-path',
  'x-method',
  'x-method-override',
  'x-now-route-matches',
  'x-originating-ip',
  'x-path-info',
  'x-proto',
  'x-proxy-url',
  'x-proxyuser-ip',
  'x-real-ip',
  'x-remote-addr',
  'x-remote-ip',
  'x-remote-user',
  'x-request-uri',
  'x-scheme',
  'x-script-name',
  'x-sendfile',
  'x-server-name',
  'x-sucuri-clientip',
  'x-true-client-ip',
  'x-uri',
  'x-url',
  'x-url-scheme',
  'x-wap-profile',
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
  const isHopByHop = hopByHop(request.fields)
  const fields = ['Host', options.authority]
  for (let at = 0; at + 1 < request.fields.length; at += 2) {
    const name = (request.fields[at] ?? '').toLowerCase()
    const read = asRead(name)
    if (isHopByHop(name) || isHopByHop(read) || REWRITTEN.has(read) || FORWARDED_BY_US.has(read)) continue
    if (options.stripConditionals && CONDITIONALS.has(read)) continue
    if (options.mayBeStored && !options.hasBody && MEANINGLESS.has(read)) continue
    if (read === 'max-forwards') continue
    if ((read === 'cookie' && options.cookies === 'ignore') || (!trusted && isOverride(read))) continue
    fields.push(request.fields[at] ?? '', request.fields[at + 1] ?? '')
  }
  const hops = hopsLeft(request)
  if (hops !== undefined) fields.push('Max-Forwards', String(hops - 1))
  if (options.conditions !== undefined) fields.push(...options.conditions)
  fields.push(...framing(request.fields, options), ...forwarding(request.fields, request.peer, options))
  fields.push('Surrogate-Capability', surrogates(request.fields, trusted))
  fields.push('Via', joined(field(request.fields, 'via'), `1.1 ${PSEUDONYM}`))
  return fields
}

/**
 * Has the request passed here before? (RFC 9110 section 7.6.3)
 * @param pseudonym what this gateway calls itself in Via
 */
export function loops(fields: Fields, pseudonym: string = PSEUDONYM): boolean {
  const via = field(fields, 'via')
  if (via === undefined) return false
  return via.split(',').some((member) => member.trim().split(/\s+/)[1]?.toLowerCase() === pseudonym.toLowerCase())
}

/** Fields for the recipient of the message, or that decide how it is framed, routed or shared. */
const NEVER_HOP_BY_HOP = new Set([
  ...CONDITIONALS,
  'accept',
  'accept-encoding',
  'accept-language',
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'host',
  'max-forwards',
  'origin',
  'pragma',
  'referer',
  'set-cookie',
  'surrogate-capability',
  'transfer-encoding',
  'user-agent',
  'vary',
  'via',
])

/**
 * What is wrong with the request's Connection: it names a field that is never for one connection (RFC 9110
 * section 7.6.1), as someone does who wants it removed on the way. Undefined when nothing is.
 */
export function connectionProblem(fields: Fields): string | undefined {
  for (const option of connectionOptions(fields)) {
    const read = asRead(option)
    if (NEVER_HOP_BY_HOP.has(read) || isOverride(read)) return `Connection names ${option}`
  }
  return undefined
}

const isOverride = (name: string): boolean => OVERRIDES.has(name) || OVERRIDE_FAMILIES.test(name)

const PLAIN_NAME = /^[a-z0-9-]+$/

/** Some origins read "_", or any other sign, as "-", and would see a field that was not meant to reach them. */
const asRead = (name: string): string => (PLAIN_NAME.test(name) ? name : name.replaceAll(/[^a-z0-9]/g, '-'))

/**
 * How many more recipients a request may have, this one included; only OPTIONS and TRACE say so (RFC 9110 section
 * 7.6.2). Not a number when it is malformed.
 */
export function hopsLeft({ method, fields }: CacheRequest): number | undefined {
  if (method !== 'OPTIONS' && method !== 'TRACE') return undefined
  const value = field(fields, 'max-forwards')
  if (value === undefined) return undefined
  return /^\d+$/.test(value) ? Math.min(Number(value), MOST_HOPS) : Number.NaN
}

const MOST_HOPS = 255

/**
 * TE: trailers tells the origin that trailers are welcome, where they are for one client; other transfer codings are
 * ours to negotiate.
 */
function framing(received: Fields, { hasBody, stripConditionals }: UpstreamOptions): string[] {
  const fields: string[] = []
  if (!stripConditionals && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(field(received, 'te') ?? ''))
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

/** Who asked, for which host and by which scheme: added to what a trusted peer says, in place of anyone else's. */
function forwarding(received: Fields, peer: Peer | undefined, { authority, scheme }: UpstreamOptions): string[] {
  const believed = peer?.trusted === true ? received : []
  const address = peer?.address.replace(/^::ffff:(?=[\d.]+$)/i, '')
  const host = field(believed, 'x-forwarded-host') ?? authority
  const chain = field(believed, 'x-forwarded-for')
  const element = [
    ...(address === undefined ? [] : [`for=${node(address)}`]),
    `host=${quoted(host)}`,
    `proto=${scheme}`,
  ]
  const fields = ['Forwarded', joined(field(believed, 'forwarded') ?? forwardedFor(chain), element.join(';'))]
  if (address !== undefined) fields.push('X-Forwarded-For', joined(chain, address))
  fields.push('X-Forwarded-Host', host, 'X-Forwarded-Proto', scheme)
  return fields
}

/** What X-Forwarded-For tells, as Forwarded would: an origin may read either. */
function forwardedFor(chain: string | undefined): string | undefined {
  const addresses = chain?.split(',').map((address) => address.trim()) ?? []
  const known = addresses.filter((address) => address !== '')
  return known.length === 0 ? undefined : known.map((address) => `for=${node(address)}`).join(', ')
}

/** RFC 7239 section 6: an IPv6 address is bracketed and quoted. */
const node = (address: string): string => quoted(address.includes(':') ? `[${address}]` : address)

/** A token, or a quoted string where a character asks for it. */
const quoted = (value: string): string => (/^[\w.-]+$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`)

const joined = (list: string | undefined, member: string): string =>
  list === undefined || list.trim() === '' ? member : `${list}, ${member}`
