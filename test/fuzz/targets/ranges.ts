import type { ByteRange, PartialContent } from '../../../src/model.ts'
import { contentRange, partHead, unsatisfiableHead } from '../../../src/policy/range-head.ts'
import {
  ifRangeHolds,
  coversWhole,
  parseContentRange,
  parseRange,
  rangeFor,
  missingRange,
  type RangeSpec,
  select,
  strongValidator,
  union,
} from '../../../src/policy/range.ts'
import { field, has, trimmed } from '../../../src/fields.ts'
import { requestWith } from '../../policy/support.ts'
import { must, mustEqual, RESPONSE_HEAD, type Target } from '../target.ts'
import { checkDate } from './check-date.ts'
import { fieldsIn, sections } from './message.ts'

/** A request's fields and a response's head; also the dates in them, which If-Range may contain. */
export const ranges: Target = {
  name: 'ranges',
  covers: ['src/policy/range.ts', 'src/policy/range-head.ts', 'src/policy/fields/dates.ts'],
  dictionary: [
    [
      'Range: ',
      'If-Range: ',
      'Content-Range: ',
      'bytes=',
      'bytes ',
      'BYTES=',
      'items=',
      '0-',
      '-1',
      '-0',
      '0-0',
      '5-2',
    ],
    [
      '0-18446744073709551615',
      '99999999999999999999-',
      '/*',
      '*/5',
      ', ',
      ',,',
      '0-4,5-9',
      'ETag: "a"',
      'W/"a"',
      '"a"',
    ],
    [
      'Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT',
      'Date: Sun, 06 Nov 1994 08:49:38 GMT',
      '\n\n',
      '=',
      '-',
      'If-Range: Sunday, 06-Nov-94 08:49:37 GMT',
    ],
    ['Date: Sun Nov  6 08:49:37 1994', 'Feb', ' 29', '29-Feb-00', ' UTC', '23:59:60', '0099', '0100', '9999'],
  ].flat(),
  seeds: [
    'Range: bytes=0-4\nIf-Range: "a"\n\nETag: "a"\nContent-Range: bytes 0-4/10',
    'Range: bytes=-5, 0-0,3-\n\nContent-Range: bytes 5-9/*',
    'Range: items=0-1\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\n\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\nDate: Sun, 06 Nov 1994 08:49:39 GMT',
    'Range: bytes=0-,0-,0-\n\nETag: W/"a"\nContent-Range: bytes */10',
  ],
  maxLength: RESPONSE_HEAD,
  run,
}

const LENGTH = 10
const MOST = 8

function run(input: string): string {
  const [asking = '', head = ''] = sections(input, 2)
  const request = requestWith({}, { fields: fieldsIn(asking) })
  const fields = fieldsIn(head)
  const asked = parseRange(field(request.fields, 'range') ?? '')
  if (asked?.kind === 'bytes') soundSpecs(asked.specs)
  const found = select(request, { status: 200, fields }, LENGTH)
  if (found.kind === 'parts') soundParts(found.ranges, LENGTH)
  must('a whole copy lacks nothing', found.kind !== 'missing' && found.kind !== 'as-received', found)
  mustEqual('ranges are of a 200', select(request, { status: 404, fields }, LENGTH), { kind: 'whole' })
  validated(request.fields, fields)
  const dates = [field(request.fields, 'if-range'), field(fields, 'last-modified'), field(fields, 'date')].map(
    (value) => {
      return value === undefined ? '' : checkDate(value)
    },
  )
  return `${found.kind} ${asked?.kind} ${dates.join()} ${held(fieldContentRange(fields), request, fields)}`
}

function soundSpecs(specs: readonly RangeSpec[]): void {
  must('ranges are few, and at least one', specs.length >= 1 && specs.length <= MOST, specs)
  for (const spec of specs) {
    const [from, to] = 'suffix' in spec ? [spec.suffix, undefined] : [spec.first, spec.last]
    must('a range is of whole numbers that can be counted with', isCount(from) && isCount(to ?? 0), spec)
    must('a range does not end before it begins', to === undefined || to >= from, spec)
  }
  const written = specs.map((spec) => ('suffix' in spec ? `-${spec.suffix}` : `${spec.first}-${spec.last ?? ''}`))
  mustEqual('ranges written and read again are the same', parseRange(`bytes=${written.join()}`), {
    kind: 'bytes',
    specs,
  })
}

function soundParts(parts: readonly ByteRange[], length: number): void {
  must('parts are few, and at least one', parts.length >= 1 && parts.length <= MOST, parts)
  must(
    'parts are in the copy',
    parts.every(({ first, last }) => first >= 0 && first <= last && last < length),
    parts,
  )
  const octets = parts.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  must('no octet is sent twice', octets <= length, parts)
}

function fieldContentRange(fields: readonly string[]): PartialContent | undefined {
  const value = field(fields, 'content-range')
  const range = parseContentRange(value)
  if (range === undefined) return undefined
  const { first, last, complete } = range
  must('a Content-Range is in order', first <= last && (complete === undefined || last < complete), range)
  mustEqual(
    'a Content-Range written and read again is the same',
    parseContentRange(contentRange(range, complete)),
    range,
  )
  const parts = union([{ first, last }, ...((complete ?? LENGTH) < LENGTH ? [] : [{ first: 2, last: 3 }])])
  must(
    'parts are in order and apart',
    parts.every(({ first }, at) => at === 0 || first > (parts[at - 1]?.last ?? 0) + 1),
  )
  return { parts, complete, reachesEnd: false, asked: undefined, contentRange: value }
}

/** What a stored response with these parts answers, and what it lacks. */
function held(partial: PartialContent | undefined, request: ReturnType<typeof requestWith>, fields: readonly string[]) {
  if (partial === undefined) return 'no part'
  const found = select(request, { status: 206, fields, partial }, undefined)
  must('a part is never all', found.kind !== 'whole', found)
  if (found.kind === 'parts') {
    const isHeld = ({ first, last }: ByteRange) =>
      partial.parts.some((part) => part.first <= first && last <= part.last)
    must('what is sent is there', found.ranges.every(isHeld), found, partial)
  }
  const missing = missingRange(partial)
  if (missing !== undefined) {
    must(
      'what is missing is not there',
      !partial.parts.some(({ first, last }) => first <= missing.last && missing.first <= last),
      missing,
      partial,
    )
    const whole = { ...partial, parts: union([...partial.parts, missing]) }
    must('with what was missing it is whole', coversWhole(whole), whole)
    mustEqual('what is missing can be asked for', parseRange(rangeFor(missing, partial.complete))?.kind, 'bytes')
  }
  return `${found.kind} ${missing === undefined}`
}

function validated(asking: readonly string[], fields: readonly string[]): void {
  const wanted = field(asking, 'if-range')
  const weak = wanted?.startsWith('W/') === true
  must('a weak validator holds for no range', !weak || !ifRangeHolds(asking, fields), wanted)
  must(
    'what holds is one validator of the copy',
    wanted === undefined || !ifRangeHolds(asking, fields) || fields.includes(trimmed(wanted)),
    wanted,
  )
  must('a weak tag is no strong validator', strongValidator(fields)?.startsWith('W/') !== true, fields)
  must('a 416 has none of the content described', !has(unsatisfiableHead(fields, LENGTH), 'content-type'))
  must('a part says which', partHead(fields, 'bytes 0-0/1', true, true).at(-1) === 'bytes 0-0/1')
}

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0
