import { describe, expect, it } from 'vitest'
import { tagsOf, updatedTags } from '../../../src/policy/fields/tags.ts'
import { rulesWith } from '../support.ts'
import { fieldsOf } from '../../support/fields.ts'

const tags = (headers: Record<string, string | string[]>, ofRoute: string[] = []) => {
  const result = tagsOf('http://a.test/', fieldsOf(headers), rulesWith({ tags: ofRoute }))
  return result.ok ? result.tags.filter((tag) => !tag.includes('\n')) : 'too many'
}

const many = (count: number) => Array.from({ length: count }, (_, at) => `t${at}`).join(' ')

describe('tagsOf', () => {
  it.each([
    ['Surrogate-Key', 'a  b\tc'],
    ['XKEY', ' a b c '],
    ['Cache-Tag', 'a, b ,,c,'],
    ['cache-groups', '"a", "b";x=1, "c"'],
  ])('reads %s', (name, value) => expect(tags({ [name]: value })).toEqual(['a', 'b', 'c']))

  it('names a group also with its origin, which no other field can do', () => {
    const result = tagsOf(
      'https://a.test:8443/x',
      fieldsOf({ 'Cache-Groups': '"a"', 'Surrogate-Key': 'b' }),
      rulesWith({}),
    )
    expect(result).toEqual({ ok: true, tags: ['b', 'a', 'https://a.test:8443\na'] })
    const nameless = tagsOf('http://a.test/', fieldsOf({ 'Cache-Groups': '""' }), rulesWith())
    expect(nameless).toEqual({ ok: true, tags: ['http://a.test\n'] })
  })

  it('lets a Cache-Tag and a group contain spaces', () => {
    expect(tags({ 'Cache-Tag': 'a b,c', 'Cache-Groups': '"d e"' })).toEqual(['a b', 'c', 'd e'])
  })

  it('splits at space, tab and comma only: the octet of a no-break space occurs within UTF-8', () => {
    const [voilà, à] = ['voilà', 'à'].map((tag) => Buffer.from(tag).toString('latin1'))
    const value = `${voilà}\t${à}  b`
    expect(tags({ 'Surrogate-Key': value })).toEqual([voilà, à, 'b'])
    expect(tags({ xkey: value })).toEqual([voilà, à, 'b'])
    expect(tags({ 'Cache-Tag': `${voilà} ,\t${à}` })).toEqual([voilà, à])
  })

  it('joins all lines and fields and the tags of the route, each tag once', () => {
    const headers = { 'Surrogate-Key': ['a', 'b'], 'Cache-Tag': 'a,c', xkey: 'd', 'Cache-Groups': '"b"' }
    expect(tags(headers, ['r', 'a'])).toEqual(['a', 'b', 'c', 'd', 'r'])
  })

  it.each(['a, b', '"a', '"a", b', '1', '("a" "b")', '"é"'])(
    'ignores Cache-Groups: %s, which is not a list of strings',
    (value) => {
      expect(tags({ 'Cache-Groups': value, xkey: 'x' })).toEqual(['x'])
    },
  )

  it('is empty without any', () => expect(tags({ 'Surrogate-Key': ' ', 'Cache-Tag': ',' })).toEqual([]))

  it('is not ok above 128 tags or 256 characters per tag', () => {
    expect(tags({ xkey: many(128) })).toHaveLength(128)
    expect(tags({ xkey: many(129) })).toBe('too many')
    expect(tags({ xkey: many(128) }, ['r'])).toBe('too many')
    expect(tags({ xkey: `${many(128)} t0 t1` })).toHaveLength(128)
    expect(tags({ xkey: 'x'.repeat(256) })).toHaveLength(1)
    expect(tags({ xkey: 'x'.repeat(257) })).toBe('too many')
  })
})

describe('updatedTags', () => {
  const updated = (stored: string[], headers: Record<string, string>) =>
    updatedTags('http://a.test/', stored, fieldsOf(headers), rulesWith({}))

  it('keeps the tags that the update does not repeat', () => {
    expect(updated(['a', 'b'], { 'Cache-Tag': 'b,c' })).toEqual({ ok: true, tags: ['a', 'b', 'c'] })
  })

  it('is not ok above 256 tags in all', () => {
    expect(updated(many(200).split(' '), { xkey: 'a b c' }).ok).toBe(true)
    expect(updated(many(255).split(' '), { xkey: 'a b' }).ok).toBe(false)
    expect(updated([], { xkey: many(129) }).ok).toBe(false)
  })
})
