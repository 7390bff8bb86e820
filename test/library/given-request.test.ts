/** What is no request, as callers in JavaScript may give it, is refused rather than answered as something else. */
import { expect, test } from 'vitest'
import { type CacheRequest, createCache, defaultRules } from '../../src/index.ts'
import { ScriptedOrigin } from '../support/scripted-origin.ts'

const REQUEST = { method: 'GET', url: 'http://shop.example/products/42', fields: ['Accept', 'text/html'] }
const FIELDS = "expected names and values in turn, such as ['accept', 'text/html'], as fields, got"

test.each<[what: string, given: unknown, complaint: string]>([
  ['nothing', undefined, 'expected an object as request, got undefined'],
  ['null', null, 'expected an object as request, got null'],
  ['a URL', REQUEST.url, 'expected an object as request, got "http://shop.example/products/42"'],
  ['one without a method', { ...REQUEST, method: undefined }, 'expected a string as method, got undefined'],
  ['a path', { ...REQUEST, url: '/products/42' }, 'expected an absolute http or https URL as url, got "/products/42"'],
  ['a URL object', { ...REQUEST, url: new URL(REQUEST.url) }, 'as url, got an object'],
  ['one without fields', { ...REQUEST, fields: undefined }, `${FIELDS} undefined`],
  ['fields as an object', { ...REQUEST, fields: { accept: 'text/html' } }, `${FIELDS} an object`],
  ['fields as pairs', { ...REQUEST, fields: Object.entries({ accept: 'text/html' }) }, `${FIELDS} a list`],
  [
    'text as content',
    { ...REQUEST, method: 'POST', body: 'text' },
    'expected a Readable of node:stream as body, got "',
  ],
  ['a stream of the web', { ...REQUEST, method: 'QUERY', body: new ReadableStream() }, 'as body, got an object'],
])('handle and explain refuse %s', async (_, given, complaint) => {
  const origin = new ScriptedOrigin()
  const cache = createCache({ routes: [{ name: 'all', match: {}, origin, rules: defaultRules }] })
  const request = given as CacheRequest
  expect(() => cache.handle(request)).toThrow(complaint)
  await expect(cache.explain(request)).rejects.toThrow(complaint)
  expect(origin.requests).toEqual([])
  await cache.close()
})
