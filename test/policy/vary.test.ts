import { describe, expect, it } from 'vitest'
import { selectingValues, selects, variantKey, varyOn } from '../../src/policy/vary.ts'
import fc from '../support/fast-check.ts'
import { fieldsOf } from '../support/fields.ts'

type Headers = Record<string, string | string[]>

const on = (vary: string | string[]) => varyOn(fieldsOf({ Vary: vary }))
const matches = (names: string[], stored: Headers, asked: Headers) =>
  selects(selectingValues(names, fieldsOf(stored)), fieldsOf(asked))

const names = (count: number) => Array.from({ length: count }, (_, at) => `x-${at}`).join(',')

describe('varyOn', () => {
  it('is empty without Vary, or with an empty one', () => {
    expect(varyOn([])).toEqual([])
    expect(on('')).toEqual([])
    expect(on(', ,')).toEqual([])
  })

  it('is every name once, in lower case and sorted', () => {
    expect(on(['Foo, BAR', 'foo,,baz'])).toEqual(['bar', 'baz', 'foo'])
    expect(on('__proto__, constructor')).toEqual(['__proto__', 'constructor'])
  })

  it.each(['*', '*, *', ', *', '*, Foo', 'Foo, *'])('is * for %s', (value) => expect(on(value)).toBe('*'))

  it('is * when * stands on a later line', () => expect(on(['', '*'])).toBe('*'))

  it.each([':', 'a b', 'a/b', 'é'])('is * for %j, which is not a field name', (value) => expect(on(value)).toBe('*'))

  it.each(['X-Forwarded-For', 'Accept, forwarded', 'Via'])(
    'is * for %s, which Herdgate sends to the origin itself',
    (value) => expect(on(value)).toBe('*'),
  )

  it('is * above 16 names', () => {
    expect(on(names(16))).toHaveLength(16)
    expect(on(names(17))).toBe('*')
  })
})

describe('a variant', () => {
  it('is selected by the same values, whatever other fields there are', () => {
    expect(matches(['foo'], { Foo: '1', Other: '2' }, { FOO: '1', Other: '3' })).toBe(true)
    expect(matches(['foo'], { Foo: '1' }, { Foo: '2' })).toBe(false)
    expect(matches(['bar', 'foo'], { Foo: '1', Bar: 'a' }, { Foo: '1' })).toBe(false)
    expect(matches([], { Foo: '1' }, { Foo: '2' })).toBe(true)
  })

  it('tells an absent field from an empty one', () => {
    expect(matches(['foo'], {}, {})).toBe(true)
    expect(matches(['foo'], {}, { Foo: '' })).toBe(false)
    expect(matches(['foo'], { Foo: '' }, {})).toBe(false)
    expect(matches(['foo'], { Foo: '' }, { Foo: ' ' })).toBe(true)
  })

  it('does not depend on lines and white space in lists', () => {
    expect(matches(['foo'], { Foo: '1, 2' }, { Foo: ['1', '2'] })).toBe(true)
    expect(matches(['foo'], { Foo: '1,2' }, { Foo: ' 1 ,  2 ' })).toBe(true)
    expect(matches(['foo'], { Foo: '1,2' }, { Foo: '2,1' })).toBe(false)
    expect(matches(['foo'], { Foo: '1' }, { Foo: '\t1 ' })).toBe(true)
  })

  it('depends on white space in quotes and in fields that are not lists', () => {
    expect(matches(['foo'], { Foo: '"a, b"' }, { Foo: '"a,b"' })).toBe(false)
    expect(matches(['user-agent'], { 'User-Agent': 'x (a, b)' }, { 'User-Agent': 'x (a,b)' })).toBe(false)
    expect(matches(['referer'], { Referer: 'http://b.test/?a, b' }, { Referer: 'http://b.test/?a,b' })).toBe(false)
  })

  it('depends on a no-break space, which an origin may not take for white space', () => {
    expect(matches(['foo'], { Foo: '1\xa0' }, { Foo: '1' })).toBe(false)
    expect(matches(['foo'], { Foo: '1,\xa02' }, { Foo: '1, 2' })).toBe(false)
    expect(matches(['accept-encoding'], { 'Accept-Encoding': 'br\xa0' }, { 'Accept-Encoding': 'br' })).toBe(false)
  })
})

describe.each(['authorization', 'proxy-authorization', 'cookie', 'x-api-key'])('the value of %s', (name) => {
  const sent = (value: string): Headers => ({ [name]: value })

  it('is kept only in a form that distinguishes values without revealing them', () => {
    expect(matches([name], sent('secret'), sent('secret'))).toBe(true)
    expect(matches([name], sent('secret'), sent('other'))).toBe(false)
    expect(matches([name], sent('secret'), {})).toBe(false)
    const kept = [
      ...selectingValues([name], fieldsOf(sent('secret'))),
      variantKey('k', [name], fieldsOf(sent('secret'))),
    ]
    expect(kept.join(' ')).not.toContain('secret')
  })
})

describe('variantKey', () => {
  it('is the key itself without names', () => expect(variantKey('k', [], fieldsOf({ a: '1' }))).toBe('k'))

  it('is equal for requests that select the same variant, and only for those', () => {
    const value = fc.option(fc.string({ unit: fc.constantFrom('1', ':', '-', '\n', 'v', ',', ' '), maxLength: 5 }), {
      nil: undefined,
    })
    const headers = fc.record({ a: value, b: value })
    const names = fc.subarray(['a', 'b'])
    fc.assert(
      fc.property(headers, headers, names, (left, right, on) => {
        const keys = [variantKey('k', on, fieldsOf(left)), variantKey('k', on, fieldsOf(right))]
        const selected = selects(selectingValues(on, fieldsOf(left)), fieldsOf(right))
        expect(keys[0] === keys[1]).toBe(selected)
      }),
      { numRuns: 1000 },
    )
  })

  it('differs by names as well', () => {
    const fields = fieldsOf({ a: '1', b: '1' })
    expect(variantKey('k', ['a'], fields)).not.toBe(variantKey('k', ['b'], fields))
    expect(variantKey('k', ['a'], [])).not.toBe(variantKey('k', [], []))
  })
})
