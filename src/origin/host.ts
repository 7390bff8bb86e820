import { type Fields, without } from '../fields.ts'

/**
 * The fields with the Host under which this URL is requested. Over TLS that is its own, which determines certificate
 * and virtual host; the client's is passed on as X-Forwarded-Host. Otherwise it is the client's, as received.
 */
export function withHostFor(url: URL, fields: Fields): Fields {
  if (url.protocol !== 'https:') return fields
  return ['Host', url.host, ...without(fields, (name) => name === 'host')]
}
