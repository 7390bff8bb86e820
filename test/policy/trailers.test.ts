import { describe, expect, it } from 'vitest'
import { passedTrailers } from '../../src/policy/trailers.ts'

describe('passedTrailers', () => {
  it('combines the lines of one name', () => {
    expect({ ...passedTrailers(['X-Sum', '9', 'x-sum', '10', 'ETag', '"1"']) }).toEqual({
      'x-sum': '9, 10',
      etag: '"1"',
    })
  })

  it('leaves out tags, as in the head, and what frames a message', () => {
    const tags = ['Surrogate-Key', 'a', 'cache-tag', 'b', 'XKey', 'c']
    expect({ ...passedTrailers([...tags, 'Content-Length', '1', 'Trailer', 'X']) }).toEqual({})
  })

  it('takes names that objects have of their own', () => {
    expect(Object.keys(passedTrailers(['__proto__', 'a', 'constructor', 'b']))).toEqual(['__proto__', 'constructor'])
  })
})
