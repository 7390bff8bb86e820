/** Bearer tokens (RFC 6750). */
import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyReply } from 'fastify'
import { sendProblem } from './problem.ts'

/** What the token of this request grants; undefined when it has none that is known. */
export type Guard<T> = (request: { readonly raw: Pick<IncomingMessage, 'rawHeaders'> }) => T | undefined

const CREDENTIALS = /^Bearer +(.+)$/i

/**
 * Knows requests that carry a token in exactly one Authorization line. Digests are compared, each in constant time and
 * always all of them: neither a token's length nor how much of a wrong one was right can be measured.
 * @param tokens each with what it grants; no two are the same
 * @throws RangeError when a token is empty: that would protect nothing
 */
export function bearer<T>(tokens: readonly (readonly [token: string, granted: T])[]): Guard<T> {
  if (tokens.some(([token]) => token === '')) throw new RangeError('a token must not be empty')
  const known = tokens.map(([token, granted]) => ({ expected: digest(Buffer.from(token)), granted }))
  return ({ raw: { rawHeaders } }) => {
    const lines = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'authorization')
    const [, presented] = CREDENTIALS.exec(lines[0] ?? '') ?? []
    if (lines.length !== 1 || presented === undefined) return undefined
    const given = digest(Buffer.from(presented, 'latin1'))
    let found: T | undefined
    for (const { expected, granted } of known) if (timingSafeEqual(given, expected)) found = granted
    return found
  }
}

/** 401, without saying what was wrong. */
export function unauthorized(reply: FastifyReply): FastifyReply {
  reply.header('WWW-Authenticate', 'Bearer')
  return sendProblem(reply, { status: 401, title: 'Unauthorized' })
}

const digest = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer')
