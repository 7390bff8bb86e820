import { lines } from '../../../src/fields.ts'
import type { CacheRequest } from '../../../src/model.ts'
import { readPlainHead } from '../../../src/lane/plain-head.ts'
import { readHead } from '../../../src/policy/head.ts'
import { isCredentialed, SECRETS } from '../../../src/policy/fields/credentials.ts'
import { classify } from '../../../src/policy/request.ts'
import { decide } from '../../../src/policy/reuse.ts'
import { entryWith, foundWith, NOW, requestWith, rulesWith } from '../../policy/support.ts'
import { must, mustEqual, REQUEST_HEAD, type Target } from '../target.ts'
import { fieldsIn } from './message.ts'

/** A request's fields: its framing, its classification, and what may answer it. */
export const requests: Target = {
  name: 'requests',
  covers: [
    [
      'src/policy/reuse.ts',
      'src/policy/request.ts',
      'src/policy/fields/request-directives.ts',
      'src/policy/refresh.ts',
      'src/policy/head.ts',
    ],
    [
      'src/policy/reuse-fields.ts',
      'src/policy/fields/credentials.ts',
      'src/lane/plain-head.ts',
      'src/lane/octets.ts',
      'src/lane/field-meaning.ts',
    ],
  ].flat(),
  dictionary: [
    ['Cache-Control: ', 'Pragma: no-cache', 'Range: bytes=0-1', 'no-cache', 'no-store', 'max-age=0', 'max-age=100'],
    ['max-stale', 'max-stale=5', 'min-fresh=5', 'only-if-cached', 'stale-if-error=9', 'If-Match: "a"', 'Cookie: a'],
    ['Authorization: x', 'If-Unmodified-Since: x', 'Host: a.test', 'Content-Length: 5', 'Transfer-Encoding: chunked'],
    ['Content_Length: ', 'Transfer_Encoding: ', 'Expect: 100-continue', '="', ', '],
  ].flat(),
  seeds: [
    'Cache-Control: max-age=5, min-fresh=1\nPragma: no-cache',
    'Cache-Control: only-if-cached, max-stale\nCookie: a',
    'Pragma: x, no-cache\nRange: bytes=0-1',
    'cache-control: max-stale="5"\ncache-control: no-store\nAuthorization: x',
    'Host: a.test\nContent-Length: 5\nExpect: 100-continue',
    'Host: a.test\nTransfer-Encoding: chunked',
    'Host: a.test\nAccept: */*\nIf-None-Match: "a"\nConnection: keep-alive',
  ],
  maxLength: REQUEST_HEAD,
  run,
}

const RULES = rulesWith({ grace: 60_000 })
const FRESH = foundWith(entryWith({ fields: ['ETag', '"a"'], bornAt: NOW - 30_000 }))
const STALE = foundWith(
  entryWith({ freshUntil: NOW - 10_000, staleWhileRevalidateUntil: NOW + 9000, staleIfErrorUntil: NOW + 9000 }),
)
const PAST = NOW - 10_000
const FINAL = foundWith(
  entryWith({ freshUntil: PAST, staleWhileRevalidateUntil: PAST, staleIfErrorUntil: PAST, mustRevalidate: true }),
)
const NONE = foundWith(undefined)

const STRICTER = ['no-cache', 'max-age=0', 'min-fresh=2147483648', 'only-if-cached', 'no-store']
const KINDS = new Set(['serve', 'serve-stale', 'revalidate', 'fetch', 'pass', 'refuse'])

function run(input: string): string {
  const fields = fieldsIn(input)
  const kinds = [FRESH, STALE, FINAL, NONE].map((found) => {
    const { kind } = decide(requestWith({}, { fields }), found, RULES, NOW)
    must('a decision is one of those there are', KINDS.has(kind), kind)
    return kind
  })
  must('what must be revalidated is not served stale', kinds[2] !== 'serve' && kinds[2] !== 'serve-stale', kinds)
  must('nothing stored is nothing served', kinds[3] === 'fetch' || kinds[3] === 'pass' || kinds[3] === 'refuse', kinds)
  for (const wish of STRICTER) {
    for (const [at, found] of [FRESH, STALE].entries()) {
      const { kind } = decide(requestWith({}, { fields: [...fields, 'Cache-Control', wish] }), found, RULES, NOW)
      const served = kind === 'serve' || kind === 'serve-stale'
      // Cache-Control overrides Pragma.
      const before =
        kinds[at] === 'serve' || kinds[at] === 'serve-stale' || fields.some((name) => /^pragma$/i.test(name))
      must('another wish never makes a copy do', !served || before, wish, kinds[at], kind)
    }
  }
  const type = classify(requestWith({}, { fields }), RULES)
  must('who sends credentials shares with nobody', type.kind !== 'lookup' || type.credentialed === credentialed(fields))
  return `${kinds.join()} ${type.kind} ${framing(fields)} ${plain(fields)}`
}

/** What the hit lane reads from the same head, and what the policy then skips. */
function plain(fields: readonly string[]): string {
  const text = [...lines(fields)].map((_, at) => `${fields[2 * at]}: ${fields[2 * at + 1]}\r\n`).join('')
  const head = readPlainHead(Buffer.from(`GET /a HTTP/1.1\r\n${text}\r\n`, 'latin1'))
  if (head === undefined) return 'not plain'
  mustEqual('a plain head is read as it is written', head.fields.join('\n'), fields.join('\n'))
  if (head.affectsReuse || head.asksForRange) return 'affects-reuse'
  for (const found of [FRESH, STALE, FINAL, NONE]) {
    const judged = (request: CacheRequest) =>
      JSON.stringify([classify(request, RULES), decide(request, found, RULES, NOW)])
    const request = requestWith({}, { fields })
    mustEqual('fields that do not bear on reuse do not change it', judged({ ...request, plain: true }), judged(request))
  }
  return 'plain'
}

const credentialed = (fields: readonly string[]): boolean => lines(fields).some(([name]) => SECRETS.includes(name))

function framing(fields: readonly string[]): string {
  mustEqual('credentials are seen', isCredentialed(fields, RULES), credentialed(fields))
  const head = { method: 'POST', target: '/', version: '1.1', fields, scheme: 'http', local: () => 'b.test' } as const
  const read = readHead(head)
  if (!read.ok) return read.detail
  const framed = [...lines(fields)].filter(([name]) => /^(?:content[-_]length|transfer[-_]encoding)$/.test(name))
  must('content is framed once or not at all', framed.length <= 1, framed)
  must(
    'framing is what all recipients understand',
    framed.every(([, value]) => /^(?:\d{1,19}|chunked)$/i.test(value)),
  )
  must('there is one Host', [...lines(fields)].filter(([name]) => name === 'host').length === 1, fields)
  return String(read.hasContent)
}
