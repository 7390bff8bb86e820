import type { Hits, Plan } from '../cache/http/hit.ts'
import type { CacheRequest } from '../model.ts'
import type { PlainHead } from './plain-head.ts'

/** A URL as clients request it, and the plan to look it up. */
export class Resource {
  readonly url: string
  readonly scheme: 'http' | 'https'
  /** Target and Host as they were sent. */
  #octets = NOTHING
  #targetLength = 0
  #get: Plan | undefined
  #head: Plan | undefined

  constructor(url: string, scheme: 'http' | 'https') {
    this.url = url
    this.scheme = scheme
  }

  /** From now on it is found by the target and Host of this head. */
  indexBy({ octets, targetFrom, targetTo, hostFrom, hostTo }: PlainHead): void {
    this.#targetLength = targetTo - targetFrom
    this.#octets = Buffer.allocUnsafeSlow(this.#targetLength + hostTo - hostFrom) // not pooled: it may be kept for long
    octets.copy(this.#octets, 0, targetFrom, targetTo)
    octets.copy(this.#octets, this.#targetLength, hostFrom, hostTo)
  }

  get isIndexed(): boolean {
    return this.#octets !== NOTHING
  }

  isAskedForBy({ octets, targetFrom, targetTo, hostFrom, hostTo }: PlainHead): boolean {
    const split = this.#targetLength
    if (targetTo - targetFrom !== split || hostTo - hostFrom !== this.#octets.length - split) return false
    return this.#isAt(octets, targetFrom, 0, split) && this.#isAt(octets, hostFrom, split, this.#octets.length)
  }

  #isAt(octets: Buffer, at: number, from: number, to: number): boolean {
    for (let n = from; n < to; n++) if (octets[at + n - from] !== this.#octets[n]) return false
    return true
  }

  /** Kept for all plain requests if it is the same for all. */
  planFor(request: CacheRequest, hits: Pick<Hits, 'planFor' | 'holds'>): Plan | undefined {
    if (request.plain !== true) return hits.planFor(request)
    const known = request.method === 'HEAD' ? this.#head : this.#get
    if (known !== undefined && hits.holds(known)) return known
    const plan = hits.planFor(request)
    const kept = plan?.general === true ? plan : undefined
    if (request.method === 'HEAD') this.#head = kept
    else this.#get = kept
    return plan
  }
}

const NOTHING = Buffer.alloc(0)
const PLACES = 4_096
const MAX_OCTETS = 512

/** Resources answered lately, found by the octets of target and Host. Each has one place, which the next may take. */
export class Resources {
  readonly #places: (Resource | undefined)[] = Array.from({ length: PLACES }, () => undefined)

  get(head: PlainHead, scheme: 'http' | 'https'): Resource | undefined {
    const known = this.#places[head.hash & (PLACES - 1)]
    return known?.scheme === scheme && known.isAskedForBy(head) ? known : undefined
  }

  set(head: PlainHead, resource: Resource): void {
    if (head.targetTo - head.targetFrom + head.hostTo - head.hostFrom > MAX_OCTETS) return
    resource.indexBy(head)
    this.#places[head.hash & (PLACES - 1)] = resource
  }
}
