/** Hosts, networks and origin URLs as they are written in a configuration. */
import { BlockList, isIP } from 'node:net'

const HOSTNAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?$/i

/** An address or a name to listen on, an IPv6 address without its brackets; undefined when it is neither. */
export function parseHost(text: string): string | undefined {
  const host = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  if (isIP(host) !== 0) return host
  return HOSTNAME.test(host) && !/^[\d.]+$/.test(host) ? host : undefined
}

/** A host, as `parseHost` gives it, and a port, as in a URL. */
export const authority = (host: string, port: number): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`

/** Whether only this machine can connect to it. A name other than `localhost` may resolve to anything. */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host.toLowerCase() === 'localhost'
  return LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

const LOOPBACK_NETWORKS = ['127.0.0.0/8', '::1/128']
const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether listening on one host takes the other's ports as well, as far as can be told before names are resolved. */
export const overlap = (one: string, other: string): boolean =>
  one === other || includesAll(one, other) || includesAll(other, one)

/** `0.0.0.0` leaves IPv6 alone; `::` takes both. */
const includesAll = (all: string, host: string): boolean =>
  all === '::' || (all === '0.0.0.0' && (isIP(host) !== 6 || /^::(?:$|ffff:)/i.test(host)))

/** The networks meant by an address, a CIDR block or the word `loopback`; undefined when it is none of them. */
export function parseNetworks(text: string): readonly string[] | undefined {
  if (text === 'loopback') return LOOPBACK_NETWORKS
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return undefined
  const bits = family === 4 ? 32 : 128
  if (prefix === undefined) return [`${address}/${bits}`]
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits ? [`${address}/${Number(prefix)}`] : undefined
}

/** Other programs take `http://unix:/run/api.sock` for a Unix socket; a URL parser sees a host named unix. */
const LACKS_PORT = /^https?:\/\/[^/]*:(?:\/|$)/i

/**
 * An origin's base URL without a trailing slash; undefined unless http or https with nothing but host, port and path.
 */
export function parseOriginUrl(text: string): string | undefined {
  if (!/^https?:\/\/[^\s\p{Cc}\\?#@/][^\s\p{Cc}\\?#@]*$/iu.test(text)) return undefined
  if (LACKS_PORT.test(text)) return undefined
  const url = URL.parse(text)
  if (url === null || url.port === '0' || parseHost(url.hostname) === undefined) return undefined
  return url.origin + url.pathname.replace(/(?<!\/)\/+$/, '') // the look-behind keeps long runs of slashes linear
}
