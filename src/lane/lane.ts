/**
 * Cached answers straight at the socket. Most of what a hit costs in Node is not the cache but the objects around a
 * request; a plain request for a fresh copy needs none of them.
 *
 * The lane answers hits and nothing else: what it does not answer goes to node:http unchanged, octet by octet, so
 * that a difference in reading can smuggle nothing. It looks at a chunk only where it knows a request to begin: a connection
 * on which it has once lost sight of where requests end is left alone from then on.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Hits } from '../cache/http/hit.ts'
import type { Reply } from '../cache/http/reply.ts'
import type { HttpSocket } from '../ports/connections.ts'
import type { Events } from '../events.ts'
import type { CacheRequest, Clock, Peer } from '../model.ts'
import { type Connection, createAnswer } from './answer.ts'
import { HandOver } from './hand-over.ts'
import { IdleConnections } from './idle-connections.ts'
import { KnownHeads } from './known-heads.ts'
import { Outbox } from './outbox.ts'
import { type PlainHead, readPlainHead } from './plain-head.ts'
import { ownOctets, readInPlace } from './reading-in-place.ts'

export interface LaneParts {
  readonly hits: Hits
  readonly peerOf: (socket: IncomingMessage['socket']) => Peer
  readonly events: Events
  readonly clock: Clock
  /** Between two requests of a connection, in ms: clients are told so. */
  readonly idleTimeout: number
  /** Octets of a request's head; more is for node:http to refuse. */
  readonly headBytes: number
  /** Has something run when all that is ready now has been read; `setImmediate` unless said. */
  readonly atTurnsEnd?: (run: () => void) => void
}

export interface Lane {
  /** Where requests go that it does not answer. What it has looked up for them goes with them. */
  readonly handle: (request: CacheRequest) => Reply | Promise<Reply>
  /** From now on every request goes the normal way. What waits to be sent is sent. */
  stop(): void
}

/** Where this version of Node does not listen as it is expected to, nothing is changed. */
export function openLane(server: Server, parts: LaneParts): Lane {
  const state = { open: true }
  const handOver = new HandOver()
  const heads = new KnownHeads()
  const outbox = new Outbox(parts.atTurnsEnd)
  const idle = new IdleConnections(parts.clock, parts.idleTimeout)
  const answer = createAnswer({ ...parts, handOver, heads, outbox })
  parts.events.on('origin', () => outbox.flush()) // many may have waited for what it answers
  server.on('connection', (socket: HttpSocket) => {
    if (state.open && socket.listenerCount('data') === 1) takeOver(socket)
  })
  return {
    handle: (request) => parts.hits.handle(request, handOver.take()),
    stop() {
      state.open = false
      outbox.flush()
    },
  }

  function takeOver(socket: HttpSocket): void {
    const connection: Connection = {
      socket,
      peer: parts.peerOf(socket),
      scheme: 'encrypted' in socket ? 'https' : 'http',
      isOwed: false,
      isWatched: false,
      suspended: 0,
      answeredAt: 0,
    }
    /** Octets of content that are still to come, after which a request begins; undefined: sight of that is lost. */
    let rest: number | undefined = 0

    const flushIfOwed = () => {
      if (connection.isOwed) outbox.flush()
    }
    socket.prependListener('end', flushIfOwed) // node:http, which knows of no answer, then ends its side too

    const push = readInPlace(socket, (octets, length) => {
      flushIfOwed()
      const begins = rest === 0 && state.open
      const known = begins ? heads.get(octets, length) : undefined
      const head = known?.head ?? (begins ? readPlainHead(octets, Math.min(length, parts.headBytes)) : undefined)
      rest = restAfter(rest, head, length)
      const mayAnswer = head !== undefined && rest !== undefined && takesAnswers(socket)
      if (mayAnswer && answer(connection, head, known?.resource)) {
        idle.answered(connection)
        return true
      }
      outbox.flush() // what comes now may take long
      if (!isEmptyLines(octets, length)) idle.handedOn(connection)
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

/** node:http passes over them before a request (RFC 9112 section 2.2): with them, none begins. */
function isEmptyLines(octets: Buffer, length: number): boolean {
  let at = 0
  while (at < length && (octets[at] === CR || octets[at] === LF)) at++
  return at === length
}

const [CR, LF] = [13, 10]

/** No answer is due on it, nothing that came before waits to be read, and it takes octets. */
function takesAnswers(socket: HttpSocket): boolean {
  return (
    !socket._httpMessage &&
    socket.readableFlowing === true &&
    socket.readableLength === 0 &&
    socket.writable &&
    !socket.writableNeedDrain
  )
}
