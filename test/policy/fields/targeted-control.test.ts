import { describe, expect, it } from 'vitest'
import { responseDirectives } from '../../../src/policy/fields/targeted-control.ts'
import { fieldsOf } from '../../support/fields.ts'

const chosen = (headers: Record<string, string | string[]>) => responseDirectives(fieldsOf(headers))

describe('targeted control', () => {
  it('takes precedence over Cache-Control, and that for Herdgate over that for all caches', () => {
    const headers = { 'CDN-Cache-Control': 'max-age=2', 'Cache-Control': 'max-age=1' }
    expect(chosen(headers)).toMatchObject({ maxAge: 2, targeted: true })
    expect(chosen({ ...headers, 'Herdgate-Cache-Control': 'max-age=3' })).toMatchObject({ maxAge: 3, targeted: true })
    expect(chosen({ 'Cache-Control': 'max-age=1' })).toMatchObject({ maxAge: 1, targeted: false })
  })

  it('replaces all directives of Cache-Control', () => {
    const headers = { 'CDN-Cache-Control': 'max-age=2', 'Cache-Control': 'no-store, private' }
    expect(chosen(headers)).toMatchObject({ noStore: false, private: false })
  })

  it.each(['', '   ', 'max-age=60, =', 'Max-Age=60', 'max-age=60 private', 'max-age="60'])(
    'that is empty or does not parse, as %j, is ignored',
    (value) => {
      const headers = { 'Herdgate-Cache-Control': value, 'Cache-Control': 'max-age=1' }
      expect(chosen(headers)).toMatchObject({ maxAge: 1, targeted: false })
    },
  )

  it.each(['max-age="60"', 'max-age=tok', 'max-age=-1', 'max-age=1.5', 'max-age', 'max-age=(1 2)', 'max-age=?0'])(
    'with a lifetime that is not an Integer, as in %j, is stale',
    (value) => expect(chosen({ 'CDN-Cache-Control': value })).toMatchObject({ maxAge: 0, targeted: true }),
  )

  it('may have parameters and qualified forms', () => {
    expect(chosen({ 'CDN-Cache-Control': 'max-age=60;x=1, private="a"' })).toMatchObject({ maxAge: 60, private: true })
  })

  it.each(['public="x"', 'public=x', 'public=1'])('ignores %s, which has an argument', (value) => {
    expect(chosen({ 'CDN-Cache-Control': value }).public).toBe(false)
  })

  it('may span several lines', () => {
    expect(chosen({ 'CDN-Cache-Control': ['max-age=60', 'no-store'] })).toMatchObject({ maxAge: 60, noStore: true })
  })
})

describe('Surrogate-Control', () => {
  it('takes precedence over Cache-Control, but not over targeted fields', () => {
    const headers = { 'Surrogate-Control': 'max-age=30+60', 'Cache-Control': 'no-store, max-age=1' }
    const expected = { maxAge: 30, staleWhileRevalidate: 60, noStore: false, targeted: true }
    expect(chosen(headers)).toMatchObject(expected)
    expect(chosen({ ...headers, 'CDN-Cache-Control': 'max-age=2' })).toMatchObject({ maxAge: 2, noStore: false })
  })

  it('applies when it is addressed to Herdgate or to nobody in particular', () => {
    const headers = { 'Surrogate-Control': 'max-age=9;other, no-store;other', 'Cache-Control': 'max-age=1' }
    expect(chosen(headers)).toMatchObject({ maxAge: 1, noStore: false, targeted: false })
    expect(chosen({ 'Surrogate-Control': 'max-age=9;herdgate' })).toMatchObject({ maxAge: 9, targeted: true })
  })

  it.each(['max-age', 'max-age=', 'max-age=x'])('without a number, as in %s, is stale', (value) => {
    const headers = { 'Surrogate-Control': value, 'Cache-Control': 'max-age=60' }
    expect(chosen(headers)).toMatchObject({ maxAge: 0, targeted: true })
  })

  it.each(['private', 'private="x"', 'no-cache, private'])('does not override Cache-Control: %s', (value) => {
    const headers = { 'Surrogate-Control': 'max-age=60', 'Cache-Control': value }
    expect(chosen(headers)).toMatchObject({ maxAge: 60, private: true })
  })

  it.each([
    ['max-age=60, private', 'private'],
    ['max-age=60 no-cache', 'noCache'],
    ['no-store', 'noStore'],
    ['private', 'private'],
  ] as const)('%s restricts', (value, flag) => {
    expect(chosen({ 'Surrogate-Control': value, 'Cache-Control': 'max-age=60' })[flag]).toBe(true)
  })
})
