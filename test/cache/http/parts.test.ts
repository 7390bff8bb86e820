import { describe, expect, test } from 'vitest'
import { Body } from '../../../src/body.ts'
import { continues, partToStore } from '../../../src/cache/http/parts.ts'
import type { StoredResponse } from '../../../src/model.ts'
import { entryWith } from '../../policy/support.ts'
import { fieldsOf } from '../../support/fields.ts'

/** A response with octets `first` to `last` of `complete`, and `content` as its body. */
function part(first: number, last: number, content: string, complete = 10, changes: Partial<StoredResponse> = {}) {
  const partial = { parts: [{ first, last }], complete, reachesEnd: false, asked: undefined, contentRange: undefined }
  return entryWith({ status: 206, body: Body.of(Buffer.from(content)), partial, ...changes }, { ETag: '"e"' })
}

describe('parts that are joined', () => {
  const stored = part(0, 4, '01234', 10, { position: 3, startedAt: 30, askedAt: 30, tags: ['a', 'b'] })
  const later = part(5, 9, '56789', 10, { position: 7, startedAt: 70, askedAt: 70, tags: ['b', 'c'] })

  test.each([
    [later, stored],
    [stored, later],
  ])('are as old as the older of the two and are purged by the tags of either', (received, before) => {
    const whole = partToStore(received, before, 10)
    expect(whole).toMatchObject({ status: 200, partial: undefined, position: 3, startedAt: 30, askedAt: 30 })
    expect(whole?.tags.toSorted()).toEqual(['a', 'b', 'c'])
    expect(whole?.body.bytes?.toString()).toBe('0123456789')
  })

  test('have memory of their own, of exactly their size: it is counted as no more', () => {
    const whole = partToStore(later, stored, 10)
    expect(whole?.body.bytes?.buffer.byteLength).toBe(10)
  })

  test('are joined only within the size limit of a copy and with the same complete length', () => {
    expect(partToStore(later, stored, 9)).toBe(later)
    const longer = part(5, 9, '56789', 12)
    expect(partToStore(longer, stored, 100)).toBe(longer)
  })
})

describe('a part', () => {
  test('that is shorter than it says covers what arrived, and its complete length is unknown', () => {
    const whatArrived = { parts: [{ first: 2, last: 4 }], complete: undefined }
    const inside = partToStore(part(2, 6, '234'), undefined, 100)
    expect(inside?.partial).toMatchObject({ ...whatArrived, reachesEnd: false })
    const toTheEnd = partToStore(part(2, 9, '234'), undefined, 100)
    expect(toTheEnd?.partial).toMatchObject({ ...whatArrived, reachesEnd: true })
  })

  test.each(['012345', ''])('that says 0 to 4 and is %j is not stored', (content) => {
    expect(partToStore(part(0, 4, content), undefined, 100)).toBeUndefined()
  })

  test('that was compressed by itself, so that its length is not that of its range, is not stored', () => {
    const fields = fieldsOf({ ETag: '"e"', 'Content-Encoding': 'gzip' })
    expect(partToStore(part(2, 9, '234', 10, { fields }), undefined, 100)).toBeUndefined()
    expect(partToStore(part(2, 4, '234', 10, { fields }), undefined, 100)).toBeDefined()
  })

  test('is continued by an answer that need not repeat its content coding but may not name another', () => {
    const stored = fieldsOf({ ETag: '"e"', 'Content-Encoding': 'gzip' })
    const answers = [{}, { 'Content-Encoding': 'gzip' }, { 'Content-Encoding': 'br' }]
    expect(answers.map((said) => continues(stored, fieldsOf({ ETag: '"e"', ...said })))).toEqual([true, true, false])
  })
})
