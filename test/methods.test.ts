import { describe, expect, it } from 'vitest'
import { CACHED_METHODS, isSafe } from '../src/methods.ts'

/** The IANA HTTP Method Registry, by its columns Safe and Idempotent. */
const SAFE_AND_IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PRI', 'PROPFIND', 'QUERY', 'REPORT', 'SEARCH', 'TRACE']
const IDEMPOTENT =
  'ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY DELETE LABEL LINK MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF ' +
  'MKWORKSPACE MOVE ORDERPATCH PROPPATCH PUT REBIND UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL'
const NEITHER = ['*', 'CONNECT', 'LOCK', 'PATCH', 'POST']

describe('isSafe', () => {
  it.each(SAFE_AND_IDEMPOTENT)('%s is', (method) => {
    expect(isSafe(method)).toBe(true)
  })

  it.each([...IDEMPOTENT.split(' '), ...NEITHER, 'PURGE', 'get', ''])('%s is not', (method) => {
    expect(isSafe(method)).toBe(false)
  })
})

it('only safe methods are answered from stored responses', () => {
  expect([...CACHED_METHODS].filter((method) => !isSafe(method))).toEqual([])
})
