/** Rate limits (RFC 6585 section 4). */
import type { FastifyReply } from 'fastify'
import type { Clock } from '../../src/for-routes.ts'
import { sendProblem } from './problem.ts'

export interface Rate {
  /** How much may happen at once. */
  readonly burst: number
  /** How much more may happen each second. */
  readonly perSecond: number
}

/** Asks permission for one more: 0 if it is granted, otherwise the milliseconds to wait for it. */
export type Limiter = () => number

export function createLimiter({ burst, perSecond }: Rate, clock: Pick<Clock, 'now'>): Limiter {
  const intervalMs = 1000 / perSecond
  /** When a whole burst may happen again. */
  let burstFullAt = clock.now()
  return () => {
    const now = clock.now()
    burstFullAt = Math.max(burstFullAt, now)
    const wait = burstFullAt - now - (burst - 1) * intervalMs
    if (wait > 0) return Math.ceil(wait)
    burstFullAt += intervalMs
    return 0
  }
}

/** 429, and when to try again. */
export function tooMany(reply: FastifyReply, waitMs: number): FastifyReply {
  reply.header('Retry-After', String(Math.ceil(waitMs / 1000)))
  return sendProblem(reply, { status: 429, title: 'Too many requests' })
}
