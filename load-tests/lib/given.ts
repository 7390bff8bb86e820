/** What a server that is no cache is told to send. */
export interface Given {
  readonly fields: Readonly<Record<string, string>>
  /** Octets of content, by path. */
  readonly bodyBytes: Readonly<Record<string, number>>
  /** What is answered 304 when it stands in `If-None-Match`. */
  readonly etag: string
}
