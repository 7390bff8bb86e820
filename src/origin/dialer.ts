/** Dialling an origin. */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** A peer that is silent this long is probed, so that one that has vanished is not waited for indefinitely. */
export const KEEP_ALIVE_MS = 60_000

export interface DialOptions {
  readonly url: URL
  /** Certificates trusted in place of the well-known ones, in PEM. */
  readonly ca?: string | undefined
  /** The origin's end of stream leaves our direction open. */
  readonly allowHalfOpen?: boolean
}

/** Host name of a URL as sockets want it: IPv6 without brackets. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1')

/** Opens sockets to one URL; TLS sessions are resumed. */
export function createDialer({ url, ca, allowHalfOpen = false }: DialOptions): () => Socket {
  const host = hostOf(url)
  const isTls = url.protocol === 'https:'
  const port = Number(url.port) || (isTls ? 443 : 80)
  const to = { host, port, allowHalfOpen }
  if (!isTls) return () => connect({ ...to, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS })

  // Server Name Indication carries names only, never addresses (RFC 6066 section 3).
  const servername = isIP(host) === 0 ? host : ''
  const trust = ca === undefined ? {} : { ca }
  let session: Buffer | undefined
  return () => {
    const socket = connectTls({ ...to, ...trust, servername, session, ALPNProtocols: ['http/1.1'] })
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)
    return socket.on('session', (issued: Buffer) => {
      session = issued
    })
  }
}
