import { DEFAULT_RULES } from '../../src/config/defaults.ts'
import type { CacheRequest, Found, FoundEntry, FoundNothing, Route, Rules, StoredResponse } from '../../src/model.ts'
import { type UpstreamOptions, upstreamFields } from '../../src/policy/forward.ts'
import { storedResponse } from '../support/stored-response.ts'
import { fieldsOf } from '../support/fields.ts'

type Headers = Parameters<typeof fieldsOf>[0]

/** A Wednesday noon, on a whole second. */
export const NOW = Date.UTC(2026, 10, 18, 12)

export const date = (ms: number): string => new Date(ms).toUTCString()

export function rulesWith(changes: Partial<Rules> = {}): Rules {
  return { ...DEFAULT_RULES, grace: 0, ...changes }
}

export function requestWith(headers: Headers = {}, changes: Partial<CacheRequest> = {}): CacheRequest {
  return { method: 'GET', url: 'http://a.test/x', fields: fieldsOf(headers), ...changes }
}

/** Answered at NOW, fresh for a minute. */
export function entryWith(changes: Partial<StoredResponse> = {}, headers: Headers = {}): StoredResponse {
  const until = NOW + 60_000
  return storedResponse({
    url: 'a.test/x',
    bornAt: NOW,
    freshUntil: until,
    staleWhileRevalidateUntil: until,
    staleIfErrorUntil: until,
    keepUntil: until,
    fields: fieldsOf(headers),
    ...changes,
  })
}

/** What differs from a valid entry, or from a plain miss. */
export type FoundChanges = Partial<Pick<FoundEntry, 'verdict'> & Pick<FoundNothing, 'miss' | 'unshareable'>>

export function foundWith(
  entry: StoredResponse | undefined,
  { verdict = 'valid', miss = 'uri-miss', unshareable = false }: FoundChanges = {},
): Found<StoredResponse> {
  return entry === undefined
    ? { kind: 'nothing', key: 'k', miss, unshareable }
    : { kind: 'entry', key: 'k', entry, verdict }
}

export function routeWith(changes: Partial<Route> = {}): Route {
  const origin = { name: 'o', fetch: () => Promise.reject(new Error('unused')), close: () => Promise.resolve() }
  return { name: 'r', match: {}, origin, rules: rulesWith(), ...changes }
}

/** The fields sent to an origin for a request whose answer may be stored. */
export function sentUpstream(request: CacheRequest, changes: Partial<UpstreamOptions> = {}): string[] {
  return upstreamFields(request, {
    conditions: undefined,
    stripConditionals: true,
    mayBeStored: true,
    authority: 'a.test',
    scheme: 'http',
    rules: rulesWith(),
    hasBody: false,
    ...changes,
  })
}
