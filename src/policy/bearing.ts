import { SECRETS } from './credentials.ts'

/**
 * Request fields that bear on whether a stored response may be used, by their lower-cased names. The policy for a request
 * that has none of them follows from its method and URL alone, and from what its route's key and Vary name; whoever reads
 * a head can so tell in advance (CacheRequest.plain). Not among them: what is looked at only when a copy has been found
 * (If-None-Match, If-Modified-Since), and what decides about the connection or the content.
 */
export const BEARING: ReadonlySet<string> = new Set([
  ...SECRETS,
  'cache-control',
  'if-match',
  'if-range',
  'if-unmodified-since',
  'pragma',
  'range',
  'via',
])
