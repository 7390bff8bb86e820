/** Forwarded (RFC 7239) and its X-Forwarded-* predecessors. */
import { type Fields, field, trimmed } from '../../fields.ts'
import type { CacheRequest, Peer } from '../../model.ts'
import { memoized } from '../memoized.ts'
import { isFor } from '../target.ts'

/** Client, host and scheme of the request: appended to a trusted peer's values, replacing anyone else's. */
export function forwarding(
  received: Fields,
  peer: Peer | undefined,
  { authority, scheme }: { readonly authority: string; readonly scheme: string },
): string[] {
  const trustedFields = peer?.trusted === true ? received : []
  const address = peer === undefined ? undefined : plainAddress(peer.address)
  const host = field(trustedFields, 'x-forwarded-host') ?? authority
  const chain = field(trustedFields, 'x-forwarded-for')
  const from = address === undefined ? '' : `for=${node(address)};`
  const element = `${from}host=${quoted(host)};proto=${scheme}`
  const fields = ['Forwarded', joined(field(trustedFields, 'forwarded') ?? forwardedFor(chain), element)]
  if (address !== undefined) fields.push('X-Forwarded-For', joined(chain, address))
  fields.push('X-Forwarded-Host', host, 'X-Forwarded-Proto', scheme)
  return fields
}

/** X-Forwarded-Host from a trusted proxy, if it differs from the URL's host. */
export function otherHost({ fields, peer, plain, url }: CacheRequest): string | undefined {
  if (plain === true || peer?.trusted !== true) return undefined
  const host = field(fields, 'x-forwarded-host')
  return host === undefined || isFor(url, host) ? undefined : host
}

/**
 * The client's address: the other end of the connection or, if that is a trusted proxy, the last address in its
 * X-Forwarded-For that is not one. The list is read from the end, up to a member that is not an address.
 */
export function clientAddress(fields: Fields, peer: Peer): string {
  let client = plainAddress(peer.address)
  if (!peer.trusted) return client
  for (const listed of addressesIn(field(fields, 'x-forwarded-for')).toReversed()) {
    const address = plainAddress(listed)
    if (!ADDRESS.test(address)) return client
    client = address
    if (peer.trusts?.(address) !== true) return client
  }
  return client
}

/**
 * The scheme the client used.
 * @param forwarded X-Forwarded-Proto from a trusted proxy
 * @param own of the connection
 */
export const forwardedScheme = (forwarded: string | string[] | undefined, own: 'http' | 'https'): 'http' | 'https' =>
  forwarded === 'https' || forwarded === 'http' ? forwarded : own

/** At most as long as an IPv6 address with an embedded IPv4 address; not validated further. */
const ADDRESS = /^[0-9a-f.:]{2,45}$/i

/** An IPv4-mapped IPv6 address as plain IPv4. */
export const plainAddress = (address: string): string =>
  address.startsWith(':') ? address.replace(/^::ffff:(?=[\d.]+$)/i, '') : address

/** X-Forwarded-For converted to Forwarded, as an origin may read either. */
function forwardedFor(chain: string | undefined): string | undefined {
  const known = addressesIn(chain)
  return known.length === 0 ? undefined : known.map((address) => `for=${node(address)}`).join(', ')
}

const addressesIn = (chain: string | undefined): string[] =>
  (chain?.split(',') ?? []).map(trimmed).filter((address) => address !== '')

/** RFC 7239 section 6: an IPv6 address is bracketed and quoted. */
const node = (address: string): string => quoted(address.includes(':') ? `[${address}]` : address)

/** A token, or a quoted string if a character requires it. Memoized: few hosts and proxies send many requests. */
const quoted = memoized((value) => (/^[\w.-]+$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`))

/** A list with one more member. */
export const joined = (list: string | undefined, member: string): string =>
  list === undefined || trimmed(list) === '' ? member : `${list}, ${member}`
