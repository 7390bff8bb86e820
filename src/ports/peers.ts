import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, type Socket } from 'node:net'
import { shown } from '../given.ts'
import type { Peer } from '../model.ts'
import { plainAddress, forwardedScheme } from '../policy/fields/forwarded.ts'

/**
 * Tells who is at the other end of a connection, and whether what it says about its own client is trusted. Looked up
 * once per connection.
 * @param trusted addresses and CIDR ranges
 * @throws TypeError when one is neither
 */
export function createPeers(trusted: readonly string[]): (socket: Socket) => Peer {
  const list = blockListOf(trusted)
  const trusts = (address: string) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  const known = new WeakMap<Socket, Peer>()
  return (socket) => {
    const peer = known.get(socket)
    if (peer !== undefined) return peer
    const address = plainAddress(socket.remoteAddress ?? '')
    const trusted = trusts(address)
    const found = trusted ? { address, trusted, trusts } : { address, trusted }
    known.set(socket, found)
    return found
  }
}

const RANGE = /^([^/]+)(?:\/(\d{1,3}))?$/
const WIDTHS = { ipv4: 32, ipv6: 128 }

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [, address = '', prefix] = (typeof range === 'string' && RANGE.exec(range)) || []
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const bits = Number(prefix ?? WIDTHS[family])
    if (isIP(address) === 0 || bits > WIDTHS[family]) {
      throw new TypeError(`expected an IP address or a CIDR block such as 10.0.0.0/8 to trust, got ${shown(range)}`)
    }
    list.addSubnet(address, bits, family)
  }
  return list
}

/** The scheme the client used: as stated by a trusted proxy in front of this one, or else that of the connection. */
export function schemeOf(message: IncomingMessage, peer: Peer): 'http' | 'https' {
  const own = 'encrypted' in message.socket ? 'https' : 'http'
  return peer.trusted ? forwardedScheme(message.headers['x-forwarded-proto'], own) : own
}

/** The address a connection was made to, as an authority. */
export function localAuthority({ localAddress = '', localPort = 0 }: Socket): string {
  const address = plainAddress(localAddress).replace(/%.*$/, '')
  return `${isIP(address) === 6 ? `[${address}]` : address}:${localPort}`
}
