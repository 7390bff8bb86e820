import { fieldLines, has, lines } from '../../../src/fields.ts'
import { notModifiedHead } from '../../../src/policy/fields/not-modified.ts'
import { conditionsFor, confirms, mergeFields, precondition } from '../../../src/policy/validation.ts'
import { entryWith, requestWith } from '../../policy/support.ts'
import { must, mustEqual, RESPONSE_HEAD, type Target } from '../target.ts'
import { fieldsIn, sections } from './message.ts'

/** The heads of a stored response, a request, and a 304. */
export const validators: Target = {
  name: 'validators',
  covers: ['src/policy/validation.ts', 'src/policy/fields/not-modified.ts'],
  dictionary: [
    ['ETag: ', '"a"', 'W/"a"', 'W/', '""', '*', '"a,b"', ' , ', 'If-None-Match: ', 'If-Modified-Since: ', '"'],
    ['Last-Modified: ', 'Date: ', 'Sun, 06 Nov 1994 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994', 'Connection: '],
    [
      'Content-Type: ',
      'Content-Length: 5',
      'Content-Encoding: ',
      'X-A: ',
      'Vary: ',
      'Cache-Control: max-age=1',
      '\n\n',
    ],
  ].flat(),
  seeds: [
    'ETag: "a"\nX-A: 1\n\nIf-None-Match: "b", W/"a"\n\nETag: "a"\nX-A: 2',
    'ETag: W/"a"\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\n\nIf-None-Match: *\n\nETag: W/"a"\nConnection: x-a',
    'Date: Sun, 06 Nov 1994 08:49:37 GMT\n\nIf-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\n\nDate: x\nAge: 5',
    'ETag: bare\n\nIf-None-Match: bare, "x\n\nContent-Encoding: gzip',
  ],
  maxLength: RESPONSE_HEAD,
  run,
}

/** Fields that a 304 cannot change. */
const CONTENT = ['content-encoding', 'content-length', 'content-range', 'etag']

function run(input: string): string {
  const [head = '', asked = '', update = ''] = sections(input, 3)
  const fields = fieldsIn(head)
  const entry = entryWith({ fields })
  const sent = conditionsFor(entry)
  must(
    'conditions are values the origin gave',
    lines(sent).every(([, value]) => fields.includes(value)),
    sent,
  )
  must(
    'a condition is one validator',
    fieldLines(sent, 'if-none-match').every((tag) => isOne(tag)),
    sent,
  )
  const request = requestWith({}, { fields: fieldsIn(asked) })
  const verdict = precondition(request, 200, fields)
  must('without a condition all is sent', verdict === 'send' || conditional(request.fields), request.fields)
  must('a condition is for 200', precondition(request, 404, fields) === 'send')
  const etags = fieldLines(fields, 'etag')
  if (etags.length === 1 && isOpaque(etags[0])) {
    const own = requestWith({ 'If-None-Match': `"x", ${etags[0]}` })
    must('a response has its own tag', precondition(own, 200, fields) === 'not-modified', etags)
    must(
      'a 304 with the stored tag confirms',
      confirms(entry, { status: 304, fields: ['ETag', etags[0] ?? ''] }),
      etags,
    )
  }
  merged(fields, fieldsIn(update))
  const confirmed = confirms(entry, { status: 304, fields: fieldsIn(update) })
  must('a 304 has no fields about content', !has(notModifiedHead(fields), 'content-length'))
  return `${verdict} ${confirmed} ${sent.length} ${etags.length}`
}

function merged(stored: readonly string[], update: readonly string[]): void {
  const once = mergeFields(stored, update)
  mustEqual('an update made twice is made once', mergeFields(once, update), once)
  for (const name of CONTENT) {
    mustEqual('what describes the content stays', fieldLines(once, name), fieldLines(stored, name), name)
  }
  const names = new Set([...lines(once)].map(([name]) => name))
  for (const [name] of lines(stored)) {
    must('no field is lost but Date and Age', names.has(name) || name === 'date' || name === 'age', name, update)
  }
}

const conditional = (fields: readonly string[]): boolean =>
  has(fields, 'if-none-match') || has(fields, 'if-modified-since')

const isOpaque = (tag: string | undefined): boolean => /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag ?? '')

const isOne = (tag: string): boolean => isOpaque(tag) || (!tag.includes(',') && tag !== '*')
