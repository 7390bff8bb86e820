/** Whether Accept names OpenMetrics and does not prefer plain text (RFC 9110 section 12.5.1). */
export function wantsOpenMetrics(accept: string = ''): boolean {
  const openMetrics = quality(accept, 'application/openmetrics-text')
  return openMetrics > 0 && openMetrics >= quality(accept, 'text/plain')
}

/** The largest q of a media type's ranges; 0 when it is not named. */
function quality(accept: string, mediaType: string): number {
  const named = accept
    .toLowerCase()
    .split(',')
    .map((range) => range.split(';').map((part) => part.trim()))
    .filter(([type]) => type === mediaType)
  return Math.max(0, ...named.map((parts) => Number(parts.find((part) => part.startsWith('q='))?.slice(2) ?? 1) || 0))
}
