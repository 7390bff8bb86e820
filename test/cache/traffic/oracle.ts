/** Whether a reply is one that the history allows. */
import type { Exchange, Failure, History, Reply } from './history.ts'
import {
  agreesToShare,
  contentOf,
  entityTag,
  formOf,
  GRACE_S,
  lifetimeOf,
  type Representation,
  type Resource,
} from './resources.ts'
import type { Setting } from './steps.ts'

/** What is wrong, in words; undefined if nothing is. */
export function complaint(reply: Reply, history: History, setting: Setting): string | undefined {
  const resource = setting.resources[reply.ask.path]
  if (resource === undefined) return 'no such resource'
  if (reply.status >= 500) return complaintOfError(reply, history)
  if (reply.status === 416) return undefined
  const candidates = history.exchanges.filter((exchange) => isFor(exchange, reply, resource))
  const sources = candidates.filter((exchange) => isSaid(exchange, reply, resource))
  if (sources.length === 0) return 'content or validator that the origin never had for this request'
  const judge = new Judge(reply, history, resource, setting)
  if (!sources.some((exchange) => judge.allows(exchange))) return 'a response that may not be used here'
  return judge.isHitExpected() && reply.result !== 'hit' ? 'fetched, although a fresh response was there' : undefined
}

function complaintOfError({ ask, asked, at, detail }: Reply, { failures }: History): string | undefined {
  if (detail === 'only-if-cached') return ask.directive === 'only-if-cached' ? undefined : 'not asked for'
  const isToBlame = (failure: Failure) => failure.place > asked || at - failure.at <= FAILURE_SHARED_FOR_MS
  return failures.some((failure) => failure.path === ask.path && isToBlame(failure))
    ? undefined
    : 'an error without a failure'
}

/** Whoever comes soon after a failure gets the same. */
export const FAILURE_SHARED_FOR_MS = 5_000

const isFor = (exchange: Exchange, { ask, answered }: Reply, resource: Resource): boolean =>
  exchange.path === ask.path &&
  exchange.answered < answered &&
  exchange.status !== 416 &&
  (!formOf(resource, exchange).varies || exchange.variant === ask.variant) &&
  (exchange.user === '' || exchange.user === ask.user) // what nobody in particular got is for all

/** Whether it is this representation that the reply has, or speaks of. */
function isSaid(representation: Representation, reply: Reply, { etag }: Resource): boolean {
  const tag = etag && entityTag(representation, etag)
  if (reply.etag !== tag) return false
  if (reply.status === 304) return reply.condition !== undefined && opaque(reply.condition) === opaque(tag ?? '')
  if (reply.ask.method === 'HEAD') return reply.content === ''
  const content = contentOf(representation)
  const [, first, last] = /^bytes (\d+)-(\d+)\/60$/.exec(reply.contentRange ?? '') ?? []
  const whole = reply.status === 206 ? content.slice(Number(first), Number(last) + 1) : content
  return reply.broken ? whole.startsWith(reply.content) : reply.content === whole
}

const opaque = (tag: string): string => tag.replace(/^W\//, '')

class Judge {
  readonly #reply: Reply
  readonly #history: History
  readonly #resource: Resource
  readonly #setting: Setting

  constructor(reply: Reply, history: History, resource: Resource, setting: Setting) {
    this.#setting = setting
    this.#reply = reply
    this.#history = history
    this.#resource = resource
  }

  allows(exchange: Exchange): boolean {
    if (!this.#isAfter(exchange, 'purge')) return false
    if (exchange.answered > this.#reply.asked) return true
    if (this.#isReplaced(exchange)) return false
    return this.#isStorable(exchange) && (this.#isFresh(exchange) || this.#isUsableStale(exchange))
  }

  /** Whether the origin was asked after the last removal that was acknowledged before the client asked. */
  #isAfter({ began, path }: Exchange, kind: 'purge' | 'invalidate'): boolean {
    return this.#history.removals.every(
      (removal) =>
        removal.kind !== kind ||
        (removal.path !== undefined && removal.path !== path) ||
        removal.acknowledged > this.#reply.asked ||
        began > removal.asked,
    )
  }

  /** Otherwise what another node has fetched need not be known here. */
  get #isAlone(): boolean {
    return this.#setting.nodes !== 'two with a far store'
  }

  /** Whether the only node has stored something newer since. */
  #isReplaced({ path, variant, version, began }: Exchange): boolean {
    const isNewer = (other: Exchange) =>
      other.path === path &&
      other.variant === variant &&
      other.version > version &&
      other.began > began &&
      this.#isWhole(other) &&
      this.#isStorable(other) &&
      this.#isWorthStoring(other) &&
      !this.#history.removals.some(({ asked }) => asked > other.began && asked < (other.completed ?? 0))
    return this.#isAlone && this.#history.exchanges.some(isNewer)
  }

  /** Whether it has brought the whole content, before the client asked. */
  #isWhole({ status, method, completed = Number.POSITIVE_INFINITY }: Exchange): boolean {
    return status === 200 && method === 'GET' && completed < this.#reply.asked
  }

  #isStorable(exchange: Exchange): boolean {
    const { by, notToStore } = exchange
    const { control } = formOf(this.#resource, exchange)
    return !notToStore && control.personal !== true && (by === undefined || agreesToShare(control, by))
  }

  #isWorthStoring(exchange: Exchange): boolean {
    const { etag, modified } = this.#resource
    return etag !== undefined || modified || lifetimeOf(this.#resource, exchange) > 0
  }

  #isFresh(exchange: Exchange): boolean {
    const { directive } = this.#reply.ask
    const age = this.#ageOf(exchange)
    const left = lifetimeOf(this.#resource, exchange) - age
    const ownFailure = this.#reply.result === 'stale_if_error'
    if (!this.#isAfter(exchange, 'invalidate') || left <= 0) return false
    if (ownFailure) return true
    if (directive === 'no-cache' || directive === 'max-age=0') return false
    if (directive === 'max-age=3' && age > 3) return false
    return directive !== 'min-fresh=4' || left >= 4
  }

  #isUsableStale(exchange: Exchange): boolean {
    const { control } = formOf(this.#resource, exchange)
    if (control.strict || !['stale', 'stale_if_error'].includes(this.#reply.result)) return false
    const { ifError = GRACE_S, whileRevalidate = this.#setting.softTimeout === 0 ? GRACE_S : 0 } = control
    const window = Math.max(ifError, whileRevalidate, this.#reply.ask.directive === 'max-stale=5' ? 5 : 0)
    return this.#ageOf(exchange) < lifetimeOf(this.#resource, exchange) + window
  }

  #ageOf({ answeredAt }: Exchange): number {
    return (this.#reply.at - answeredAt) / 1000
  }

  /**
   * Whether the last that the origin has said was a storable response that is still fresh, and nothing else was or is
   * under way.
   */
  isHitExpected(): boolean {
    const { ask, busy, asked, at } = this.#reply
    const said = this.#history.exchanges.filter(({ path, answered }) => path === ask.path && answered < asked)
    const last = said.at(-1)
    // A fetch for the missing part of a copy may have begun before a removal, and have asked for the whole after it.
    if (this.#resource.ranges && this.#history.removals.length > 0) return false
    if (last === undefined || busy || !this.#isAlone || ask.directive !== undefined) return false
    return (
      said.every((other) => other === last || other.answered < last.began) &&
      this.#isWhole(last) &&
      this.#isStorable(last) &&
      (last.variant === '' || last.variant === ask.variant) &&
      this.#history.removals.every((removal) => removal.asked < last.began || removal.asked > this.#reply.answered) &&
      (at - last.beganAt) / 1000 < lifetimeOf(this.#resource, last)
    )
  }
}
