/**
 * Cached answers straight at the socket. Most of what a hit costs in Node is not the cache but the objects around a
 * request; a plain request for a fresh copy needs none of them.
 *
 * The lane answers hits and nothing else: what it does not answer goes to node:http unchanged, octet by octet, so
 * that a difference in reading can smuggle nothing. It looks at a chunk only where it knows a request to begin: the
 * first request of a connection goes the normal way, and a connection on which the lane has once lost sight of where
 * requests end is left alone from then on.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Hit, Hits } from '../cache/http/hit.ts'
import type { Reply } from '../cache/http/reply.ts'
import type { HttpSocket } from '../ports/connections.ts'
import type { Events } from '../events.ts'
import type { CacheRequest, Clock, Peer } from '../model.ts'
import { STATUS_CODES } from '../node-http.ts'
import { normalAuthority } from '../policy/target.ts'
import { precondition } from '../policy/validation.ts'
import { HandOver } from './hand-over.ts'
import { IdleTimers, type Timed } from './idle-timers.ts'
import { KnownHeads } from './known-heads.ts'
import { LaneRequest } from './lane-request.ts'
import { type PlainHead, readPlainHead } from './plain-head.ts'
import { ownOctets, readInPlace } from './reading-in-place.ts'
import { comesInOnePiece, type Form, Renderer, type Rendered } from './rendered.ts'
import { Resource, Resources } from './resources.ts'

export interface LaneParts {
  readonly hits: Hits
  readonly peerOf: (socket: IncomingMessage['socket']) => Peer
  readonly events: Events
  readonly clock: Clock
  /** Between two requests of a connection, in ms: clients are told so. */
  readonly idleTimeout: number
  /** Octets of a request's head; more is for node:http to refuse. */
  readonly headBytes: number
}

export interface Lane {
  /** Where requests go that it does not answer. What it has looked up for them goes with them. */
  readonly handle: (request: CacheRequest) => Reply | Promise<Reply>
  /** From now on every request goes the normal way. */
  stop(): void
}

/** Who sends requests, and over what. */
interface Connection extends Timed {
  readonly peer: Peer
  readonly scheme: 'http' | 'https'
}

/** Where this version of Node does not listen as it is expected to, nothing is changed. */
export function openLane(server: Server, parts: LaneParts): Lane {
  const state = { open: true }
  const handOver = new HandOver()
  const heads = new KnownHeads()
  const timers = new IdleTimers(parts.clock, parts.idleTimeout)
  const answer = createAnswer(parts, { handOver, heads, timers })
  server.on('connection', (socket: HttpSocket) => {
    if (state.open && socket.listenerCount('data') === 1) takeOver(socket)
  })
  return {
    handle: (request) => parts.hits.handle(request, handOver.take()),
    stop() {
      state.open = false
    },
  }

  function takeOver(socket: HttpSocket): void {
    const connection: Connection = {
      socket,
      peer: parts.peerOf(socket),
      scheme: 'encrypted' in socket ? 'https' : 'http',
      isSuspended: false,
      timeout: 0,
      answeredAt: 0,
    }
    /** Octets of content that are still to come, after which a request begins; undefined: sight of that is lost. */
    let rest: number | undefined = 0
    let isFirst = true

    const push = readInPlace(socket, (octets, length) => {
      const begins = rest === 0 && state.open
      const known = begins ? heads.get(octets, length) : undefined
      const head = known?.head ?? (begins ? readPlainHead(octets, Math.min(length, parts.headBytes)) : undefined)
      rest = restAfter(rest, head, length)
      if (head !== undefined && rest !== undefined) {
        if (!isFirst && isFree(socket) && answer(connection, head, known?.resource)) return true
        isFirst = false
      }
      timers.release(connection)
      const chunk = ownOctets(octets, length)
      if (known === undefined) head?.moveTo(chunk)
      try {
        return push(chunk)
      } finally {
        handOver.take() // what is not used in this turn is out of date
      }
    })
  }
}

/** Content that is still to come after a read, in octets; undefined: it is not known where a request begins. */
function restAfter(rest: number | undefined, head: PlainHead | undefined, length: number): number | undefined {
  if (rest === undefined || (rest === 0 && head === undefined)) return undefined
  const left = head === undefined ? rest - length : head.contentLength - (length - head.length)
  return left < 0 ? undefined : left
}

/** No answer is due on it, nothing that came before waits to be read, and it takes octets. */
function isFree(socket: HttpSocket): boolean {
  return (
    !socket._httpMessage &&
    socket.readableFlowing === true &&
    socket.readableLength === 0 &&
    socket.writable &&
    !socket.writableNeedDrain
  )
}

interface AnswerParts {
  readonly handOver: HandOver
  readonly heads: KnownHeads
  readonly timers: IdleTimers
}

/** Answers a request if it is one for a fresh copy at hand. */
function createAnswer({ hits, events, clock, idleTimeout }: LaneParts, { handOver, heads, timers }: AnswerParts) {
  const ending = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(idleTimeout / 1000)}\r\n\r\n`
  const renderer = new Renderer(ending, (status) => STATUS_CODES[status] ?? 'unknown')
  const resources = new Resources()
  const tell = events.emitter('request')

  /** @param asked what the head is known to ask for */
  return function answer(connection: Connection, head: PlainHead, asked: Resource | undefined): boolean {
    const { socket, peer, scheme: own } = connection
    const { method } = head
    if (head.contentLength !== 0 || head.asksForRange || (method !== 'GET' && method !== 'HEAD')) return false
    const startedAt = clock.now()
    const scheme = schemeOf(head, peer, own)
    const known = asked?.scheme === scheme ? asked : resources.get(head, scheme)
    const resource = known ?? resourceOf(head, scheme)
    if (resource === undefined) return false
    const request = new LaneRequest(resource.url, head, peer)
    const plan = resource.planFor(request, hits)
    if (plan === undefined) return false
    const looks = hits.look()
    const hit = hits.find(request, plan, startedAt, looks)
    if (hit === undefined) {
      handOver.put(looks)
      return false
    }
    if (known === undefined) resources.set(head, resource)
    if (resource !== asked) heads.add({ head, resource })

    const rendered = renderer.for(hit)
    const form = formOf(request, hit, rendered)
    const content = form === 'whole' ? hit.entry.body.bytes : undefined
    send(socket, renderer.octets(rendered, hit, form), content)
    timers.answered(connection, startedAt)
    const totalMs = clock.now() - startedAt
    tell({
      route: hit.route.name,
      method,
      url: resource.url,
      status: form === 'notModified' ? 304 : hit.entry.status,
      outcome: hit.outcome,
      bytes: content?.length ?? 0,
      firstByteMs: totalMs,
      totalMs,
      aborted: false,
      peer: peer.address,
    })
    return true
  }

  function resourceOf(head: PlainHead, scheme: 'http' | 'https'): Resource | undefined {
    const authority = normalAuthority(head.host, scheme)
    return authority === undefined ? undefined : new Resource(`${scheme}://${authority}${head.target}`, scheme)
  }
}

function formOf(request: LaneRequest, { entry }: Hit, rendered: Rendered): Form {
  const { head, method } = request
  const isModified =
    !head.isConditional ||
    (!rendered.isNamedBy(head) && precondition(request, entry.status, entry.fields) !== 'not-modified')
  if (!isModified) return 'notModified'
  return method === 'HEAD' ? 'head' : 'whole'
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
function schemeOf({ forwardedProto }: PlainHead, { trusted }: Peer, own: 'http' | 'https'): 'http' | 'https' {
  return trusted && (forwardedProto === 'https' || forwardedProto === 'http') ? forwardedProto : own
}
