/**
 * Cached answers straight at the socket. Most of what a hit costs in Node is not the cache but the objects around a
 * request; a plain request for a fresh copy needs none of them.
 *
 * The lane answers hits and nothing else: what it does not answer goes to node:http unchanged, octet by octet, so
 * that a difference in reading can smuggle nothing. It looks at a chunk only where it knows a request to begin: the
 * first request of a connection goes the normal way, and a connection on which the lane has once lost sight of where
 * requests end is left alone from then on.
 */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Hit } from '../cache/hit.ts'
import type { HttpSocket } from '../connections.ts'
import type { Events } from '../events.ts'
import type { CacheRequest, Peer } from '../model.ts'
import { normalAuthority } from '../policy/target.ts'
import { precondition } from '../policy/validation.ts'
import { type PlainHead, readPlainHead } from './plain-head.ts'
import { comesInOnePiece, createRenderer, type Form } from './rendered.ts'

export interface LaneParts {
  readonly hit: (request: CacheRequest) => Hit | undefined
  readonly peerOf: (socket: IncomingMessage['socket']) => Peer
  readonly events: Events
  /** Between two requests of a connection, in ms: clients are told so. */
  readonly idleTimeout: number
  /** Octets of a request's head; more is for node:http to refuse. */
  readonly headBytes: number
}

export interface Lane {
  /** From now on every request goes the normal way. */
  stop(): void
}

type Listener = (chunk: Buffer) => void

/** @returns undefined where this version of Node does not listen as it is expected to: then nothing is changed */
export function openLane(server: Server, parts: LaneParts): Lane {
  const state = { open: true }
  const answer = createAnswer(parts)
  server.on('connection', (socket: HttpSocket) => {
    const listeners = socket.listeners('data') as Listener[]
    const [normal] = listeners
    if (!state.open || normal === undefined || listeners.length !== 1) return
    takeOver(socket, normal)
  })
  return {
    stop() {
      state.open = false
    },
  }

  function takeOver(socket: HttpSocket, normal: Listener): void {
    const peer = parts.peerOf(socket)
    /** Octets of content that are still to come, after which a request begins. */
    let rest = 0
    let isFirst = true

    const mine: Listener = (chunk) => {
      const head = rest === 0 ? readChunk(chunk) : undefined
      if (!state.open || (rest === 0 ? head === undefined : chunk.length > rest)) return giveUp(chunk)
      if (head === undefined) rest -= chunk.length
      else {
        rest = head.contentLength - (chunk.length - head.length)
        if (rest < 0) return giveUp(chunk)
        if (!isFirst && isFree(socket) && answer(socket, head, peer)) return
        isFirst = false
      }
      normal.call(socket, chunk)
    }
    const giveUp = (chunk: Buffer) => {
      socket.off('data', mine)
      socket.on('data', normal)
      normal.call(socket, chunk)
    }
    socket.on('data', mine) // node:http no longer reads from the handle itself
    socket.off('data', normal)
  }

  function readChunk(chunk: Buffer): PlainHead | undefined {
    return readPlainHead(chunk.toString('latin1', 0, Math.min(chunk.length, parts.headBytes)))
  }
}

/** No answer is due on it, and it takes octets. */
function isFree(socket: HttpSocket): boolean {
  return !socket._httpMessage && socket.writable && !socket.writableNeedDrain
}

/** Answers a request if it is one for a fresh copy at hand. */
function createAnswer({ hit, events, idleTimeout }: LaneParts) {
  const ending = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(idleTimeout / 1000)}\r\n\r\n`
  const rendered = createRenderer(ending, (status) => STATUS_CODES[status] ?? 'unknown')
  const authorities = new Authorities()

  return function answer(socket: HttpSocket, head: PlainHead, peer: Peer): boolean {
    const { method, fields } = head
    if (head.contentLength !== 0 || head.asksForRange || (method !== 'GET' && method !== 'HEAD')) return false
    const startedAt = performance.now()
    const base = authorities.base(schemeOf(socket, head, peer), head.host)
    if (base === undefined) return false
    const url = base + head.target
    const request: CacheRequest = { method, url, fields, peer }
    const found = hit(request)
    if (found === undefined) return false
    const { entry, outcome, route } = found
    const isModified = !head.isConditional || precondition(request, entry.status, entry.fields) !== 'not-modified'
    const form: Form = !isModified ? 'notModified' : method === 'HEAD' ? 'head' : 'whole'
    const content = form === 'whole' ? entry.body.bytes : undefined
    send(socket, rendered(found, form), content)
    const totalMs = performance.now() - startedAt
    const status = isModified ? entry.status : 304
    const bytes = content?.length ?? 0
    const times = { firstByteMs: totalMs, totalMs, aborted: false }
    events.emit('request', { route: route.name, method, url, status, outcome, bytes, ...times, peer: peer.address })
    return true
  }
}

function send(socket: HttpSocket, head: Buffer, content: Buffer | undefined): void {
  if (content === undefined || comesInOnePiece(content)) {
    socket.write(head)
    return
  }
  socket.cork()
  socket.write(head)
  socket.write(content)
  socket.uncork()
}

/** As routes/proxy.ts sees it: what a trusted proxy says, else what the connection shows. */
function schemeOf(socket: HttpSocket, { forwardedProto }: PlainHead, { trusted }: Peer): 'http' | 'https' {
  if (trusted && (forwardedProto === 'https' || forwardedProto === 'http')) return forwardedProto
  return 'encrypted' in socket ? 'https' : 'http'
}

/** Beginnings of URLs by what Host says: there are few, and each request has one. */
class Authorities {
  readonly #known = new Map<string, string | undefined>()

  base(scheme: 'http' | 'https', host: string): string | undefined {
    const name = scheme === 'http' ? host : `s ${host}`
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const authority = normalAuthority(host, scheme)
    if (authority === undefined) return undefined
    const base = `${scheme}://${authority}`
    if (this.#known.size >= MOST_AUTHORITIES) this.#known.clear()
    this.#known.set(name, base)
    return base
  }
}

const MOST_AUTHORITIES = 1000
