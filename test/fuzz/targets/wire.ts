import { bearer } from '../../../routes/admin/bearer.ts'
import { requestOf } from '../../../routes/admin/explain.ts'
import { ProblemError } from '../../../routes/admin/problem.ts'
import { fieldLines, lines } from '../../../src/fields.ts'
import { StatusLines } from '../../../src/origin/status-line.ts'
import { must, mustEqual, RESPONSE_HEAD, type Target } from '../target.ts'
import { fieldsIn } from './message.ts'

/** Octets from an origin; or field lines of a request to the admin port; or a URL and fields to explain. */
export const wire: Target = {
  name: 'wire',
  covers: ['src/origin/status-line.ts', 'routes/admin/bearer.ts', 'routes/admin/explain.ts', 'src/fields.ts'],
  dictionary: [
    ['HTTP/1.1 ', '100', '103', '109', '200', '\r\n', '\n', '\r', '\r\n\r\n', ' Continue', 'HTTP/1.1 100 Continue\r\n'],
    ['Authorization: ', 'Bearer ', 'bearer  ', 'correct-horse', 'http://a.test/', '\nhost: ', 'x: y', ':', ' : '],
  ].flat(),
  seeds: [
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nHTTP/1.1 100',
    '\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 100\n\nHTTP/1.1 101 x\r\n\r\n',
    'Authorization: Bearer correct-horse\nX: y',
    'Authorization: bearer   correct-horse\nauthorization: Basic x',
    'http://a.test/x?y\nX: y\nHost: b.test',
  ],
  maxLength: RESPONSE_HEAD,
  run,
}

const TOKEN = 'correct-horse'
const isAllowed = bearer([[TOKEN, true]])

function run(input: string): string {
  return `${statusLines(input)} ${credentials(input)} ${explained(input)}`
}

function statusLines(input: string): number {
  const expected = disguised(input)
  mustEqual('100 becomes 109 in status lines of interim responses only', scanned(input, input.length + 1), expected)
  for (const size of [1, 7]) mustEqual('it does not matter how octets are packed', scanned(input, size), expected)
  return expected === input ? 0 : 1
}

function scanned(input: string, size: number): string {
  const status = new StatusLines()
  status.begin()
  const octets = Buffer.from(input, 'latin1')
  for (let at = 0; at < octets.length; at += size) status.scan(octets.subarray(at, at + size))
  return octets.toString('latin1')
}

/** An interim response: empty lines, a status code of 1xx, and all up to the next empty line. */
const INTERIM = /([\r\n]*[^\r\n][^]{8})(1[^]{2})((?:[^]*?\n\r*\n)|[^]*)/y

/** A second implementation of what StatusLines must do. */
function disguised(input: string): string {
  let out = ''
  INTERIM.lastIndex = 0
  for (let end = 0; ; end = INTERIM.lastIndex) {
    const [, before = '', code = '', rest = ''] = INTERIM.exec(input) ?? []
    if (code === '') return out + input.slice(end)
    out += before + (code === '100' ? '109' : code) + rest
  }
}

function credentials(input: string): boolean {
  const fields = fieldsIn(input)
  const allowed = isAllowed({ raw: { rawHeaders: [...fields] } }) === true
  const given = fieldLines(fields, 'authorization')
  const right = given.length === 1 && new RegExp(`^bearer +${TOKEN}$`, 'i').test(given[0] ?? '')
  const exact = right && given[0]?.endsWith(TOKEN) === true
  mustEqual('who has the token is let in, once and whole, and nobody else', allowed, exact, given)
  return allowed
}

function explained(input: string): string {
  const [url = '', ...header] = input.split('\n')
  try {
    const request = requestOf({ url, method: 'GET', header })
    must('fields are pairs', request.fields.length % 2 === 0 && request.fields.length === 2 + 2 * header.length)
    must('there is one Host', fieldLines(request.fields, 'host').length === 1, request.fields)
    // oxlint-disable-next-line no-control-regex -- none may be there
    must(
      'no value has a line end',
      [...lines(request.fields)].every(([, value]) => !/[\r\n\0]/.test(value)),
      request,
    )
    return 'request'
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return String(error.problem.status)
  }
}
