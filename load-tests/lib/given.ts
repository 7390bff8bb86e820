/** What a server that is not a cache is to send. */
export interface Given {
  readonly fields: Readonly<Record<string, string>>
  /** Octets of content, by path. */
  readonly bodyBytes: Readonly<Record<string, number>>
  /** `If-None-Match` with this value is answered with 304. */
  readonly etag: string
}
