import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { classify } from '../../src/policy/request.ts'
import { requestWith, rulesWith } from './support.ts'

const classified = (method: string, changes = {}) => classify(requestWith({}, { method }), rulesWith(changes))

describe('classify', () => {
  it.each(['GET', 'HEAD', 'QUERY'])('looks %s up', (method) => {
    expect(classified(method)).toEqual({ kind: 'lookup', credentialed: false })
  })

  it.each(['OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'SEARCH'])('passes the safe %s', (method) => {
    expect(classified(method)).toEqual({ kind: 'pass', why: 'method' })
  })

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH', 'PURGE', 'get', 'FOO'])('treats %s as unsafe', (method) => {
    expect(classified(method)).toEqual({ kind: 'unsafe' })
  })

  it('passes requests to a route that bypasses the cache, and still treats POST as unsafe there', () => {
    expect(classified('GET', { bypass: true })).toMatchObject({ kind: 'pass', why: 'bypass' })
    expect(classified('POST', { bypass: true })).toEqual({ kind: 'unsafe' })
  })

  it.each(['If-Match', 'if-unmodified-since'])('passes %s, which the origin has to evaluate', (name) => {
    expect(classify(requestWith({ [name]: 'x' }), rulesWith())).toEqual({
      kind: 'pass',
      why: 'request',
      detail: 'precondition',
    })
  })

  it('passes a GET with content', () => {
    expect(classify(requestWith({}, { body: Readable.from([]) }), rulesWith())).toEqual({
      kind: 'pass',
      why: 'bypass',
      detail: 'body',
    })
  })

  it.each([
    ['a condition for the origin', requestWith({ 'Cache-Control': 'only-if-cached', 'If-Match': '"1"' })],
    [
      'a Connection that names fields',
      requestWith({ 'Cache-Control': 'only-if-cached', Connection: 'x-tenant', 'X-Tenant': 'a' }),
    ],
    ['content', requestWith({ 'Cache-Control': 'only-if-cached' }, { body: Readable.from([]) })],
  ])('refuses a GET with only-if-cached that %s keeps from being looked up', (_, request) => {
    expect(classify(request, rulesWith())).toEqual({ kind: 'refuse', detail: 'only-if-cached' })
  })

  it.each([
    ['Authorization', 'rfc', true],
    ['authorization', 'ignore', true],
    ['PROXY-AUTHORIZATION', 'safe', true],
    ['X-Api-Key', 'rfc', true],
    ['Cookie', 'safe', true],
    ['cookie', 'rfc', false],
    ['Cookie', 'ignore', false],
    ['Accept', 'safe', false],
    ['If-None-Match', 'safe', false],
  ] as const)('with %s and cookies %s is credentialed: %s', (name, cookies, credentialed) => {
    const request = requestWith({ 'X-First': '1', [name]: 'x' })
    expect(classify(request, rulesWith({ cookies }))).toEqual({ kind: 'lookup', credentialed })
  })
})
