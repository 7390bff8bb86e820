import { Body } from '../../src/body.ts'
import type { StoredResponse } from '../../src/model.ts'

/** A complete response without content, created at `bornAt` and expired a millisecond later, unless changed. */
export function storedResponse({ bornAt = 0, ...changes }: Partial<StoredResponse> = {}): StoredResponse {
  const until = bornAt + 1
  return {
    kind: 'response',
    url: 'a.test/',
    tags: [],
    generation: 'g',
    position: 0,
    checked: 0,
    startedAt: 0,
    askedAt: 0,
    bornAt,
    freshUntil: until,
    refreshAt: Number.POSITIVE_INFINITY,
    staleWhileRevalidateUntil: until,
    staleIfErrorUntil: until,
    keepUntil: until,
    mustRevalidate: false,
    status: 200,
    fields: [],
    body: Body.of(Buffer.alloc(0)),
    varyOn: [],
    vary: [],
    ...changes,
  }
}
