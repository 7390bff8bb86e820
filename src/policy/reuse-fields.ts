import { SECRETS } from './fields/credentials.ts'

/**
 * Request fields that affect whether a stored response may be used; lower-cased names. Without any of them, the policy
 * for a request follows from its method and URL, and from the fields named by its route's key and by Vary, so it can be
 * known when the head is read (CacheRequest.plain). Not included: fields evaluated only once a copy has been found
 * (If-None-Match, If-Modified-Since), and those about the connection or the content.
 */
export const REUSE_FIELDS: ReadonlySet<string> = new Set([
  ...SECRETS,
  'cache-control',
  'if-match',
  'if-range',
  'if-unmodified-since',
  'pragma',
  'range',
  'via',
])
