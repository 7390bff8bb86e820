/** Tests of the suite that cannot pass, and why. All other required and optimal tests must pass. */

/** `rfc`: started with `--cookies rfc`. `safe`: with default settings. */
export type Mode = 'rfc' | 'safe'
export const MODES: readonly Mode[] = ['rfc', 'safe']

export interface Exception {
  readonly ids: readonly string[]
  readonly reason: string
}

/** In both modes; test/cache/http/rfc9111.test.ts checks what RFC 9111 demands instead. */
const ALWAYS: readonly Exception[] = [
  {
    ids: [
      'stale-close-must-revalidate',
      'stale-close-no-cache',
      'stale-close-proxy-revalidate',
      'stale-close-s-maxage=2',
    ],
    reason:
      'The origin closes the connection, and the suite asks for a 200 with the fields of that answer, which there is not. ' +
      'RFC 9111 section 5.2.2.2 demands an error of the cache, and that is what Herdgate sends (502, nothing stale). ' +
      'Only a cache that serves nothing stale at all is spared the question.',
  },
  {
    ids: ['conditional-lm-fresh-no-lm'],
    reason:
      'The suite asks for a 304 where the copy has no Last-Modified and a Date 3,000 s later than If-Modified-Since. ' +
      'RFC 9111 section 4.3.2 allows it only for a Date that is not later: the client may have older content.',
  },
]

/** The suite demands that Set-Cookie be stored and sent to later clients; by default such a response is not stored. */
const WITHOUT_COOKIES: Exception = {
  ids: ['304-etag-update-response-Set-Cookie', 'headers-store-Set-Cookie', 'other-set-cookie'],
  reason: 'It asks for Set-Cookie to be stored and replayed, which needs `--cookies rfc`.',
}

export const EXCEPTIONS: Readonly<Record<Mode, readonly Exception[]>> = {
  rfc: ALWAYS,
  safe: [...ALWAYS, WITHOUT_COOKIES],
}
