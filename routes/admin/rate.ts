/** Rate limits (RFC 6585 section 4). */
import type { FastifyReply } from 'fastify'
import type { Clock } from '../../src/for-routes.ts'
import { ProblemError, sendProblem } from './problem.ts'

export interface Rate {
  /** How much may happen at once. */
  readonly burst: number
  /** How much more may happen each second. */
  readonly perSecond: number
}

/**
 * Asks permission for one more, or several: 0 if it is granted, otherwise the milliseconds to wait for it. A negative
 * count gives back what was not used.
 */
export type Limiter = (count?: number) => number

export function createLimiter({ burst, perSecond }: Rate, clock: Pick<Clock, 'now'>): Limiter {
  const intervalMs = 1000 / perSecond
  /** When a whole burst may happen again. */
  let burstFullAt = clock.now()
  return (count = 1) => {
    const now = clock.now()
    burstFullAt = Math.max(burstFullAt, now)
    const wait = burstFullAt - now - (burst - count) * intervalMs
    if (wait > 0) return Math.ceil(wait)
    burstFullAt += count * intervalMs
    return 0
  }
}

/** 429, and when to try again. */
export function tooMany(reply: FastifyReply, waitMs: number): FastifyReply {
  return sendProblem(retryAfter(reply, waitMs), TOO_MANY)
}

/** The same as an error to be thrown. */
export function tooManyError(reply: FastifyReply, waitMs: number): ProblemError {
  retryAfter(reply, waitMs)
  return new ProblemError(TOO_MANY)
}

const TOO_MANY = { status: 429, title: 'Too many requests' }

const retryAfter = (reply: FastifyReply, waitMs: number): FastifyReply =>
  reply.header('Retry-After', String(Math.ceil(waitMs / 1000)))
