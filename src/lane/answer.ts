/** Turns a request head into the octets of its response: the cost of a hit apart from reading and writing. */
import type { Hit, Hits } from '../cache/http/hit.ts'
import type { Events } from '../events.ts'
import type { Clock, Peer } from '../model.ts'
import { STATUS_CODES } from '../node-http.ts'
import { clientAddress, forwardedScheme } from '../policy/fields/forwarded.ts'
import { normalAuthority } from '../policy/target.ts'
import { precondition } from '../policy/validation.ts'
import type { HandOver } from './hand-over.ts'
import type { Timed } from './idle-connections.ts'
import type { KnownHeads } from './known-heads.ts'
import { LaneRequest } from './lane-request.ts'
import type { Outbox, Owed } from './outbox.ts'
import type { PlainHead } from './plain-head.ts'
import { type Form, isSentWithHead, type Rendered, Renderer } from './rendered.ts'
import { Resource, Resources } from './resources.ts'

/** A client connection that the lane serves. */
export interface Connection extends Timed, Owed {
  readonly peer: Peer
  readonly scheme: 'http' | 'https'
}

export interface AnswerParts {
  readonly hits: Hits
  readonly events: Events
  readonly clock: Clock
  /** Between two requests of a connection, in ms; announced to clients in Keep-Alive. */
  readonly idleTimeout: number
  readonly handOver: HandOver
  readonly heads: KnownHeads
  readonly outbox: Outbox
}

/** Answers a request from a fresh stored response, if one is at hand; otherwise sends nothing and returns false. */
export type Answer = (
  connection: Connection,
  head: PlainHead,
  /** What the head asks for, if that is known from an identical one. */
  knownResource: Resource | undefined,
) => boolean

export function createAnswer({ hits, events, clock, idleTimeout, handOver, heads, outbox }: AnswerParts): Answer {
  const ending = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(idleTimeout / 1000)}\r\n\r\n`
  const renderer = new Renderer(ending, (status) => STATUS_CODES[status] ?? 'unknown')
  const resources = new Resources()
  const emitRequest = events.emitter('request')

  return function answer(connection, head, knownResource) {
    const { method } = head
    if (head.contentLength !== 0 || head.asksForRange || (method !== 'GET' && method !== 'HEAD')) return false
    const startedAt = clock.now()
    const resource = resourceFor(connection, head, knownResource)
    if (resource === undefined) return false
    const request = new LaneRequest(resource.url, head, connection.peer)
    const hit = find(request, resource, startedAt)
    if (hit === undefined) return false
    if (resource !== knownResource) heads.add({ head, resource })

    const rendered = renderer.for(hit)
    const form = formOf(request, hit, rendered)
    const content = form === 'whole' ? hit.entry.body.bytes : undefined
    const separateContent = content === undefined || isSentWithHead(content) ? undefined : content
    outbox.send(connection, renderer.octets(rendered, hit, form), separateContent)
    connection.answeredAt = startedAt
    const totalMs = clock.now() - startedAt
    emitRequest({
      route: hit.route.name,
      method,
      url: resource.url,
      status: form === 'notModified' ? 304 : hit.entry.status,
      outcome: hit.outcome,
      age: rendered.age,
      head: request,
      bytes: content?.length ?? 0,
      firstByteMs: totalMs,
      totalMs,
      aborted: false,
      peer: connection.peer.trusted ? clientAddress(request.fields, connection.peer) : connection.peer.address,
    })
    return true
  }

  function resourceFor({ peer, scheme: own }: Connection, head: PlainHead, knownResource: Resource | undefined) {
    const scheme = peer.trusted ? forwardedScheme(head.forwardedProto, own) : own
    return knownResource?.scheme === scheme ? knownResource : (resources.get(head, scheme) ?? resourceOf(head, scheme))
  }

  function resourceOf(head: PlainHead, scheme: 'http' | 'https'): Resource | undefined {
    const authority = normalAuthority(head.host, scheme)
    return authority === undefined ? undefined : new Resource(`${scheme}://${authority}${head.target}`, scheme)
  }

  function find(request: LaneRequest, resource: Resource, now: number): Hit | undefined {
    const plan = resource.planFor(request, hits)
    if (plan === undefined) return undefined
    const reads = hits.look()
    const hit = hits.find(request, plan, now, reads)
    if (hit === undefined) handOver.put(reads)
    else if (!resource.isIndexed) resources.set(request.head, resource)
    return hit
  }
}

function formOf(request: LaneRequest, { entry }: Hit, rendered: Rendered): Form {
  const { head, method } = request
  const isModified =
    !head.isConditional ||
    (!rendered.matchesIfNoneMatch(head) && precondition(request, entry.status, entry.fields) !== 'not-modified')
  if (!isModified) return 'notModified'
  return method === 'HEAD' ? 'head' : 'whole'
}
