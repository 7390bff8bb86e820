import { HerdgateError } from '../errors.ts'
import type { Clock, Origin, OriginResponse, Signal } from '../model.ts'
import type { Fates } from './fate.ts'
import { wait } from './wait.ts'

export interface FaultyOriginOptions {
  readonly fates: Fates
  readonly clock: Clock
  /** Milliseconds after which an origin that is out of reach is given up on. */
  readonly connectTimeout: number
  /** Milliseconds a response head may take. */
  readonly headersTimeout: number
}

/**
 * An origin that goes wrong as origins do: a failed fetch is refused, answered with 503, or cut off within the content;
 * a damaged one is cut off too; one that is out of reach times out.
 */
export function faultyOrigin(origin: Origin, options: FaultyOriginOptions): Origin {
  const { fates, clock, connectTimeout, headersTimeout } = options
  const timeOut = async (ms: number, signal: Signal | undefined): Promise<never> => {
    await wait(ms, clock, signal)
    throw new HerdgateError('origin_timeout', `${origin.name}: out of reach, by chaos`)
  }
  return {
    name: origin.name,
    async fetch(request, signal) {
      const { fault, delayMs, way } = fates.next()
      if (fault === 'partition') return timeOut(connectTimeout, signal)
      if (delayMs >= headersTimeout) return timeOut(headersTimeout, signal)
      await wait(delayMs, clock, signal)
      const failing = fault === 'error' ? FAILURES[Math.floor(way * FAILURES.length)] : undefined
      if (failing === 'refused') throw new HerdgateError('origin_refused', `${origin.name}: refused, by chaos`)
      if (failing === 'unavailable') return UNAVAILABLE
      const response = await origin.fetch(request, signal)
      return failing === 'cut' || fault === 'corruption' ? cutShort(response, origin.name) : response
    },
    close: () => origin.close(),
  }
}

const FAILURES = ['refused', 'unavailable', 'cut'] as const

const UNAVAILABLE: OriginResponse = {
  status: 503,
  fields: ['Content-Length', '0'],
  body: { async *[Symbol.asyncIterator]() {} },
  trailers: () => [],
}

/** Cuts the content off within its first chunk; a response without content is left as it is. */
function cutShort(response: OriginResponse, name: string): OriginResponse {
  async function* half(): AsyncGenerator<Uint8Array> {
    for await (const chunk of response.body) {
      if (chunk.length > 1) yield chunk.subarray(0, chunk.length >> 1)
      throw new HerdgateError('origin_reset', `${name}: broke off, by chaos`)
    }
  }
  return { ...response, body: half(), trailers: () => response.trailers() }
}
