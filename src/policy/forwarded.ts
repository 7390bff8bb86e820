/** Forwarded (RFC 7239) and its X-Forwarded-* forerunners. */
import { type Fields, field } from '../fields.ts'
import type { Peer } from '../model.ts'

/** Who asked, for which host and by which scheme: added to what a trusted peer says, in place of anyone else's. */
export function forwarding(
  received: Fields,
  peer: Peer | undefined,
  { authority, scheme }: { readonly authority: string; readonly scheme: string },
): string[] {
  const believed = peer?.trusted === true ? received : []
  const address = peer === undefined ? undefined : plainAddress(peer.address)
  const host = field(believed, 'x-forwarded-host') ?? authority
  const chain = field(believed, 'x-forwarded-for')
  const from = address === undefined ? '' : `for=${node(address)};`
  const element = `${from}host=${quoted(host)};proto=${scheme}`
  const fields = ['Forwarded', joined(field(believed, 'forwarded') ?? forwardedFor(chain), element)]
  if (address !== undefined) fields.push('X-Forwarded-For', joined(chain, address))
  fields.push('X-Forwarded-Host', host, 'X-Forwarded-Proto', scheme)
  return fields
}

/** IPv4 as itself where it is mapped into IPv6. */
const plainAddress = (address: string): string =>
  address.startsWith(':') ? address.replace(/^::ffff:(?=[\d.]+$)/i, '') : address

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

/** A list with one more member. */
export const joined = (list: string | undefined, member: string): string =>
  list === undefined || list.trim() === '' ? member : `${list}, ${member}`
