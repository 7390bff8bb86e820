import { serializeList } from 'structured-headers'
import { fieldLines } from '../../../src/fields.ts'
import { groupsOf } from '../../../src/policy/fields/groups.ts'
import { invalidatedBy } from '../../../src/policy/invalidates.ts'
import { isTagField, tagsOf } from '../../../src/policy/fields/tags.ts'
import { nameOf } from '../../../src/policy/target.ts'
import { passedTrailers } from '../../../src/policy/trailers.ts'
import { requestWith, rulesWith } from '../../policy/support.ts'
import { must, mustEqual, RESPONSE_HEAD, type Target } from '../target.ts'
import { fieldsIn } from './message.ts'

/** A response's head: the tags it is purged by, and what it invalidates. */
export const tags: Target = {
  name: 'tags',
  covers: [
    'src/policy/fields/tags.ts',
    'src/policy/fields/tag-caps.ts',
    'src/policy/fields/groups.ts',
    'src/policy/invalidates.ts',
    'src/policy/trailers.ts',
  ],
  dictionary: [
    ['Surrogate-Key: ', 'Cache-Tag: ', 'xkey: ', 'Cache-Groups: ', 'Cache-Group-Invalidation: ', '"a"', '\\"', ';x=1'],
    ['Location: ', 'Content-Location: ', 'http://a.test/', 'http://A.TEST:80/x', '//a.test/y', 'http://b.test/'],
    ['../', './', '/b/../c', '?q', '#f', '%2e%2e/', 'a@', '\\', '__proto__', '16777215', 'https://', 'javascript:'],
  ].flat(),
  seeds: [
    'Surrogate-Key: a b  c\nxkey: d',
    'Cache-Tag: a, b c ,, d\nCache-Tag: e',
    'Cache-Groups: "a", "b c";x=1, "d\\"e"',
    'Cache-Group-Invalidation: "a", "b"\nLocation: /b?c#d\nContent-Location: http://a.test/e/../f',
    'Location: //a.test/../x\nLocation: http://b.test/\nContent-Location: ?q',
  ],
  maxLength: RESPONSE_HEAD,
  run,
}

const URL_ASKED = 'http://a.test/x/y?z'

function run(input: string): string {
  const fields = fieldsIn(input)
  const found = tagsOf(URL_ASKED, fields, rulesWith({ tags: ['route'] }))
  if (found.ok) {
    const { tags } = found
    must('tags are few', tags.length <= 256, tags.length)
    must(
      'tags are short, not empty, and each there once',
      new Set(tags).size === tags.length && tags.every(isTag),
      tags,
    )
    must(
      'no tag is lost',
      comma(fieldLines(fields, 'cache-tag')).every((tag) => tags.includes(tag)),
      tags,
    )
    must('the tags of the route are there', tags.includes('route'), tags)
  } else {
    must('more tags are no remedy', !tagsOf(URL_ASKED, [...fields, 'xkey', 'more'], rulesWith()).ok)
  }
  must('no tags are passed on as trailers', !Object.keys(passedTrailers(fields)).some(isTagField))
  const groups = groupsOf(fields, 'cache-groups')
  const written = serializeList(groups.map((group) => [group, new Map()]))
  mustEqual('groups written and read again are the same', groupsOf(['Cache-Groups', written], 'cache-groups'), groups)
  return `${found.ok} ${Math.min(found.ok ? found.tags.length : 0, 4)} ${groups.length > 0} ${invalidation(fields)}`
}

function invalidation(fields: readonly string[]): string {
  const request = requestWith({}, { url: URL_ASKED, method: 'POST' })
  const { urls } = invalidatedBy(request, { status: 201, fields })
  must('the target is invalidated', urls.includes(nameOf(URL_ASKED)), urls)
  must(
    'nothing elsewhere is invalidated',
    urls.every((url) => url.startsWith('a.test/')),
    urls,
  )
  mustEqual('a failure invalidates nothing', invalidatedBy(request, { status: 500, fields }), { urls: [], tags: [] })
  return String(Math.min(urls.length, 4))
}

/** The tag of a group begins with the origin. */
const isTag = (tag: string): boolean => tag !== '' && (tag.length <= 256 || tag.startsWith('http://a.test\n'))

const comma = (lines: readonly string[]): string[] =>
  lines
    .flatMap((line) => line.split(','))
    .map((tag) => tag.replaceAll(OUTER, ''))
    .filter((tag) => tag !== '')

const OUTER = /^[ \t]+|[ \t]+$/g
