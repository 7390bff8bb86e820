import { systemClock } from '../../src/clock.ts'
import { HerdgateError } from '../../src/errors.ts'
import type { Clock, OriginRequest, OriginResponse } from '../../src/model.ts'
import { createOrigin, type OriginOptions, type PoolOrigin } from '../../src/origin/pool-origin.ts'
import type { Destination } from '../../src/origin/single-request.ts'

/** An origin with limits that no test reaches unless it sets them itself. */
export function originOf(
  urls: string | string[],
  options: Partial<OriginOptions> = {},
  clock: Clock = systemClock,
): PoolOrigin {
  const times = { connectTimeout: 5_000, headersTimeout: 20_000, bodyTimeout: 20_000, totalTimeout: 200_000 }
  return createOrigin({ name: 'api', urls: [urls].flat(), ...times, maxConcurrency: 16, ...options }, clock)
}

export function get(target = '/', more: Partial<OriginRequest> = {}): OriginRequest {
  return { method: 'GET', target, fields: ['Host', 'shop.example'], ...more }
}

/** A URL for a connection outside the pools. */
export const destinationAt = (url: string): Destination => ({
  url: new URL(url),
  onUnreachable() {},
  onAnswered() {},
  onAbandoned() {},
})

export async function textOf(response: Pick<OriginResponse, 'body'>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

/** The code of the error a promise rejects with, or `fulfilled`. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'fulfilled'
  } catch (error) {
    return error instanceof HerdgateError ? error.code : `not a HerdgateError: ${String(error)}`
  }
}
