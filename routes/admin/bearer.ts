/** Bearer tokens (RFC 6750). */
import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyReply } from 'fastify'
import { sendProblem } from './problem.ts'

/** Whether this request may go on. */
export type Guard = (request: { readonly raw: Pick<IncomingMessage, 'rawHeaders'> }) => boolean

const CREDENTIALS = /^Bearer +(.+)$/i

/**
 * Lets requests pass that carry the token in exactly one Authorization line. Digests are compared, in constant
 * time: neither the token's length nor how much of a wrong one was right can be measured.
 * @throws RangeError when the token is empty: that would protect nothing
 */
export function bearer(token: string): Guard {
  if (token === '') throw new RangeError('the admin token must not be empty')
  const expected = digest(Buffer.from(token))
  return ({ raw: { rawHeaders } }) => {
    const lines = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'authorization')
    const [, presented] = CREDENTIALS.exec(lines[0] ?? '') ?? []
    if (lines.length !== 1 || presented === undefined) return false
    return timingSafeEqual(digest(Buffer.from(presented, 'latin1')), expected)
  }
}

/** 401, without saying what was wrong. */
export function unauthorized(reply: FastifyReply): FastifyReply {
  reply.header('WWW-Authenticate', 'Bearer')
  return sendProblem(reply, { status: 401, title: 'Unauthorized' })
}

const digest = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer')
