/** Fields that make a request conditional or a range request (RFC 9110 sections 13.1 and 14.2). */
export const CONDITIONALS: ReadonlySet<string> = new Set([
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
])
