/**
 * Answers cache hits straight at the socket. Most of the cost of a hit in Node is not the cache but the objects around
 * a request; a plain request for a fresh stored response needs none of them.
 *
 * The lane answers hits and nothing else: all other input goes to node:http unchanged, octet by octet, so that a
 * difference in parsing cannot be used for request smuggling. It reads a chunk only where it knows a request to begin:
 * once it has lost track of where requests end on a connection, it leaves that connection alone.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Reply } from '../cache/http/reply.ts'
import type { HttpSocket } from '../ports/connections.ts'
import type { CacheRequest, Peer } from '../model.ts'
import { type AnswerParts, type Connection, createAnswer } from './answer.ts'
import { HandOver } from './hand-over.ts'
import { IdleConnections } from './idle-connections.ts'
import { KnownHeads } from './known-heads.ts'
import { CR, LF } from './octets.ts'
import { Outbox } from './outbox.ts'
import { type PlainHead, readPlainHead } from './plain-head.ts'
import { ownOctets, readInPlace } from './reading-in-place.ts'

export interface LaneParts extends Omit<AnswerParts, 'handOver' | 'heads' | 'outbox'> {
  readonly peerOf: (socket: IncomingMessage['socket']) => Peer
  /** Limit for a request's head, in octets; longer ones are left to node:http to refuse. */
  readonly headBytes: number
  /** Runs a callback when everything that is ready now has been read; default: `setImmediate`. */
  readonly atTurnsEnd?: (run: () => void) => void
}

export interface Lane {
  /** Handles the requests that the lane has not answered, reusing its lookups. */
  readonly handle: (request: CacheRequest) => Reply | Promise<Reply>
  /** From now on every request goes through node:http. Responses that are waiting are sent. */
  stop(): void
}

/** Leaves connections as they are if this version of Node does not listen on them as expected. */
export function openLane(server: Server, parts: LaneParts): Lane {
  const state = { open: true }
  const handOver = new HandOver()
  const heads = new KnownHeads()
  const outbox = new Outbox(parts.atTurnsEnd)
  const idle = new IdleConnections(parts.clock, parts.idleTimeout)
  const answer = createAnswer({ ...parts, handOver, heads, outbox })
  parts.events.on('origin', () => outbox.flush()) // the requests that waited for this may take long to answer
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
    /** Octets of content still to come before the next request; undefined once track of that is lost. */
    let rest: number | undefined = 0

    const flushIfOwed = () => {
      if (connection.isOwed) outbox.flush()
    }
    socket.prependListener('end', flushIfOwed) // node:http, unaware of the response, ends its side on this

    const push = readInPlace(socket, (octets, length) => {
      flushIfOwed()
      const beginsRequest = rest === 0 && state.open
      const known = beginsRequest ? heads.get(octets, length) : undefined
      const head = known?.head ?? (beginsRequest ? readPlainHead(octets, Math.min(length, parts.headBytes)) : undefined)
      rest = restAfter(rest, head, length)
      const mayAnswer = head !== undefined && rest !== undefined && takesAnswers(socket)
      if (mayAnswer && answer(connection, head, known?.resource)) {
        idle.answered(connection)
        return true
      }
      outbox.flush() // handling this input may take long
      if (!isEmptyLines(octets, length)) idle.handedToNode(connection)
      const chunk = ownOctets(octets, length)
      if (known === undefined) head?.moveTo(chunk)
      try {
        return push(chunk)
      } finally {
        handOver.take() // lookups not used in this turn are out of date
      }
    })
  }
}

/** Octets of content still to come after a read; undefined if it is not known where the next request begins. */
function restAfter(rest: number | undefined, head: PlainHead | undefined, length: number): number | undefined {
  if (rest === undefined || (rest === 0 && head === undefined)) return undefined
  const left = head === undefined ? rest - length : head.contentLength - (length - head.length)
  return left < 0 ? undefined : left
}

/** Empty lines before a request are skipped by node:http (RFC 9112 section 2.2) and do not begin one. */
function isEmptyLines(octets: Buffer, length: number): boolean {
  let at = 0
  while (at < length && (octets[at] === CR || octets[at] === LF)) at++
  return at === length
}

/** Whether no response is due, no earlier input is unread, and the socket can be written to. */
function takesAnswers(socket: HttpSocket): boolean {
  return (
    !socket._httpMessage &&
    socket.readableFlowing === true &&
    socket.readableLength === 0 &&
    socket.writable &&
    !socket.writableNeedDrain
  )
}
