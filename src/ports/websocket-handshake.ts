/** Recognises and reads WebSocket handshakes (RFC 6455 section 4.1). */
import type { IncomingMessage } from 'node:http'
import { HerdgateError } from '../errors.ts'
import { type Fields, field, has } from '../fields.ts'
import type { CacheRequest, Peer, Route } from '../model.ts'
import { type ReadHead, readHead } from '../policy/head.ts'
import { matchRoute } from '../policy/route.ts'
import type { HttpSocket } from './connections.ts'
import { localAuthority, schemeOf } from './peers.ts'

/** Decides which requests are upgrades. Any other is treated as if it had no Upgrade field. */
export type IsUpgrade = (message: IncomingMessage) => boolean

/**
 * Only a WebSocket handshake is an upgrade, and only if no earlier response is due: until those are sent the connection
 * cannot switch protocols.
 */
export const isUpgrade: IsUpgrade = (message) => {
  const socket: HttpSocket = message.socket
  return message.httpVersion === '1.1' && isHandshake(message.method ?? '', message.rawHeaders) && !socket._httpMessage
}

/** As `isUpgrade`, but only to routes that have WebSockets. One that matches no route is refused as an upgrade. */
export function upgradesTo(routes: readonly Route[], peerOf: (socket: IncomingMessage['socket']) => Peer): IsUpgrade {
  return (message) => {
    if (!isUpgrade(message)) return false
    const head = headOf(message, peerOf(message.socket))
    const route = head.ok ? matchRoute(routes, 'GET', head.url) : undefined
    return typeof route !== 'object' || route.rules.webSockets
  }
}

/**
 * A request with content is no handshake: which protocol the octets after its head belong to would depend on the
 * response. HTTP/1.0 has no upgrades (RFC 9110 section 7.8).
 */
export function isHandshake(method: string, fields: Fields): boolean {
  if (method !== 'GET' || field(fields, 'upgrade')?.toLowerCase() !== 'websocket') return false
  if (!/(?:^|,)\s*upgrade\s*(?:,|$)/i.test(field(fields, 'connection') ?? '')) return false
  return !has(fields, 'content-length') && !has(fields, 'transfer-encoding')
}

/** @throws HerdgateError when its head is malformed */
export function readHandshake(message: IncomingMessage, peer: Peer): CacheRequest {
  const head = headOf(message, peer)
  if (!head.ok) throw new HerdgateError(head.code, head.detail)
  return { method: 'GET', url: head.url, fields: message.rawHeaders, peer }
}

function headOf(message: IncomingMessage, peer: Peer): ReadHead {
  return readHead({
    method: 'GET',
    target: message.url ?? '',
    version: message.httpVersion,
    fields: message.rawHeaders,
    scheme: schemeOf(message, peer),
    local: () => localAuthority(message.socket),
  })
}
