import type { RequestEvent } from '../../src/events.ts'
import type { Outcome } from '../../src/model.ts'

/** A request event: a hit for GET /products/42, except for the given properties. */
export function requestEvent(given: Partial<Omit<RequestEvent, 'outcome'>> & { outcome?: Outcome } = {}): RequestEvent {
  return {
    route: 'catalog',
    method: 'GET',
    url: 'http://shop.example/products/42',
    status: 200,
    outcome: { result: 'hit', ttlMs: 42_000 },
    age: 18,
    head: { fields: [] },
    bytes: 1024,
    firstByteMs: 0.6,
    totalMs: 0.8,
    aborted: false,
    peer: '192.0.2.1',
    ...given,
  }
}
