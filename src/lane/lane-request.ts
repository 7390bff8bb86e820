import type { Fields } from '../fields.ts'
import type { CacheRequest, Peer } from '../model.ts'
import { isFor } from '../policy/target.ts'
import type { PlainHead } from './plain-head.ts'

/** A request as the policy sees it, backed by a plain head; its fields are read on demand. */
export class LaneRequest implements CacheRequest {
  readonly method: string
  readonly url: string
  readonly plain: boolean
  readonly peer: Peer
  readonly head: PlainHead
  #fields: Fields | undefined

  constructor(url: string, head: PlainHead, peer: Peer) {
    this.method = head.method
    this.url = url
    const host = peer.trusted ? head.forwardedHost : undefined
    this.plain = !head.affectsReuse && !head.asksForRange && (host === undefined || isFor(url, host))
    this.peer = peer
    this.head = head
  }

  get fields(): Fields {
    return (this.#fields ??= this.head.fields)
  }
}
