/** Who holds a token of the admin port, and how often they may do what it grants. */
import type { FastifyReply } from 'fastify'
import type { Clock } from '../../src/for-routes.ts'
import type { Beyond, Grant, Right } from './grant.ts'
import { ProblemError } from './problem.ts'
import { createLimiter, type Limiter, type Rate, tooManyError } from './rate.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request has to be granted; absent: everything. */
    readonly right?: Right
  }
  interface FastifyRequest {
    /** Who holds its token; undefined outside /v1. */
    holder: Holder | undefined
  }
}

/** Each holder has limits of its own: nobody keeps another from purging. */
export interface Holder {
  readonly grant: Grant
  /** Limits purges and invalidations. */
  readonly purges: Limiter
  /** Limits the names that they add to the log: a URL may have two, one for each scheme. */
  readonly names: Limiter
  /** Limits requests for what is not granted. */
  readonly refusals: Limiter
}

/** Far above what a busy site purges; below what would keep this process from answering clients. */
const PURGES: Rate = { burst: 10_000, perSecond: 2000 }
/**
 * The log remembers 100,000 names of what was purged, and takes older responses for purged when it has to forget some.
 * So a holder who may use any number of names could purge everything.
 */
const NAMES: Rate = { burst: 5_000, perSecond: 5 }
const REFUSALS: Rate = { burst: 1_000, perSecond: 50 }

export const createHolder = (grant: Grant, clock: Pick<Clock, 'now'>): Holder => ({
  grant,
  purges: createLimiter(PURGES, clock),
  names: grant.everything ? () => 0 : createLimiter(NAMES, clock),
  refusals: createLimiter(REFUSALS, clock),
})

/** A 403: the token does not grant it. */
export class Forbidden extends ProblemError {
  /** What of the request is not granted; empty: all of it. */
  readonly beyond: readonly Beyond[]

  constructor(beyond: readonly Beyond[]) {
    const detail = 'The token does not allow this.'
    super({ status: 403, title: 'Forbidden', ...(beyond.length === 0 ? { detail } : detailsOf(beyond)) })
    this.beyond = beyond
  }
}

/** Most selectors listed for one request. */
const MAX_LISTED = 10

function detailsOf(beyond: readonly Beyond[]) {
  const listed = beyond.slice(0, MAX_LISTED).map(({ at }) => at)
  const more = beyond.length > listed.length ? ` and ${beyond.length - listed.length} more` : ''
  return {
    detail: `The token does not allow ${listed.join(', ')}${more}; nothing was done.`,
    errors: listed.map((at) => ({ at, detail: 'not allowed' })),
  }
}

/** The error for what is not granted: 403, or 429 when that has happened too often. */
export function refusal({ refusals }: Holder, reply: FastifyReply, beyond: readonly Beyond[] = []): ProblemError {
  const wait = refusals()
  return wait > 0 ? tooManyError(reply, wait) : new Forbidden(beyond)
}
