/** Checks of requests for `handle` and `explain`, for callers in JavaScript. */
import { hasFunctions, isList, isObject, shown } from '../given.ts'
import type { CacheRequest } from '../model.ts'
import type { Given } from './given-routes.ts'

/**
 * Otherwise the origin would be asked for another host, or without the client's fields.
 * @throws TypeError naming what was expected, and what was given
 */
export function checkRequest(request: unknown): void {
  if (!isObject(request)) throw invalid('an object', 'request', request)
  const { method, url, fields, body }: Given<CacheRequest> = request
  if (typeof method !== 'string') throw invalid('a string', 'method', method)
  if (!isAbsolute(url)) throw invalid('an absolute http or https URL', 'url', url)
  if (!areFields(fields)) throw invalid("names and values in turn, such as ['accept', 'text/html'],", 'fields', fields)
  if (body !== undefined && !hasFunctions(body, ['pipe'])) throw invalid('a Readable of node:stream', 'body', body)
}

const isAbsolute = (url: unknown): boolean =>
  typeof url === 'string' && (url.startsWith('http://') || url.startsWith('https://'))

/** Reads only the first name, as every request is checked. */
const areFields = (fields: unknown): boolean => isList(fields) && (fields.length === 0 || typeof fields[0] === 'string')

const invalid = (expected: string, as: string, given: unknown): TypeError =>
  new TypeError(`expected ${expected} as ${as}, got ${shown(given)}`)
