/** The tests of the suite that cannot pass, and why. Every other required and optimal test must pass. */

/** `rfc`: started with `--cookies rfc`. `safe`: with no setting at all. */
export type Mode = 'rfc' | 'safe'
export const MODES: readonly Mode[] = ['rfc', 'safe']

export interface Exception {
  readonly ids: readonly string[]
  readonly reason: string
}

/** With any settings; test/cache/http/rfc9111.test.ts tests what RFC 9111 says of these cases. */
const ALWAYS: readonly Exception[] = [
  {
    ids: [
      'stale-close-must-revalidate',
      'stale-close-no-cache',
      'stale-close-proxy-revalidate',
      'stale-close-s-maxage=2',
    ],
    reason:
      'The origin closes the connection without an answer, and the suite expects a 200 with the fields of one. ' +
      'RFC 9111 section 5.2.2.2 requires the cache to generate an error, which Herdgate does (502, nothing stale). ' +
      'Only a cache that never serves stale answers is spared these tests.',
  },
  {
    ids: ['conditional-lm-fresh-no-lm'],
    reason:
      'The suite expects a 304 although the copy has no Last-Modified and its Date is 3,000 s later than ' +
      'If-Modified-Since. ' +
      'RFC 9111 section 4.3.2 allows it only if Date is not later: the client may have older content.',
  },
]

/** A response with Set-Cookie is not stored; the suite expects it to be replayed to the next client. */
const WITHOUT_COOKIES: Exception = {
  ids: ['304-etag-update-response-Set-Cookie', 'headers-store-Set-Cookie', 'other-set-cookie'],
  reason: 'The suite expects Set-Cookie to be stored and replayed, which needs `--cookies rfc`.',
}

export const EXCEPTIONS: Readonly<Record<Mode, readonly Exception[]>> = {
  rfc: ALWAYS,
  safe: [...ALWAYS, WITHOUT_COOKIES],
}
