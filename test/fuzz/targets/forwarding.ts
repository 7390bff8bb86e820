import { fieldLines, has, lines } from '../../../src/fields.ts'
import { admit } from '../../../src/policy/request-checks.ts'
import { connectionOptions, connectionProblem } from '../../../src/policy/fields/hop-by-hop.ts'
import { loops } from '../../../src/policy/fields/via.ts'
import { requestWith, routeWith, rulesWith, sentUpstream } from '../../policy/support.ts'
import { must, REQUEST_HEAD, type Target } from '../target.ts'
import { fieldsIn } from './message.ts'

/** The fields of a request, on their way to the origin. */
export const forwarding: Target = {
  name: 'forwarding',
  covers: [
    'forward',
    'request-checks',
    'fields/conditionals',
    'fields/forwarded',
    'fields/hop-by-hop',
    'fields/impersonating-fields',
    'fields/lenient-names',
    'fields/max-forwards',
    'fields/via',
  ].map((name) => `src/policy/${name}.ts`),
  dictionary: [
    ['Connection: ', 'Via: ', 'Forwarded: ', 'TE: ', 'Transfer-Encoding: ', 'Content-Length: ', 'X-Forwarded-For: '],
    [
      'X-Forwarded-Host: ',
      'X-Real-IP: ',
      'X_Forwarded_For: ',
      'Host: ',
      'Range: ',
      'Cookie: ',
      'Expect: ',
      'Upgrade: ',
    ],
    ['close', 'keep-alive', 'trailers', ', ', '1.1 herdgate', 'chunked', 'for="[::1]"', 'proto=https', '::1', 'x-a'],
  ].flat(),
  seeds: [
    'Connection: close, X-A\nX-A: 1\nTE: trailers, gzip\nContent-Length: 5',
    'Via: 1.0 a, 1.1 herdgate (x)\nForwarded: for="[::1]";host="a,b"\nX-Forwarded-For: 1.2.3.4, ::1',
    'X_Forwarded_For: evil\nX-Original-URL: /admin\nTransfer-Encoding: chunked\nContent-Length: 5\nCookie: a',
    'Connection: Content-Length\nConnection: x-forwarded-for\nRange: bytes=0-1\nIf-None-Match: "a"',
  ],
  maxLength: REQUEST_HEAD,
  run,
}

const ROUTES = [routeWith()]
const NEVER = new Set([
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
const STEERING = new Set([
  'x-original-url',
  'x-rewrite-url',
  'x-http-method-override',
  'x-real-ip',
  'x-forwarded-server',
  'expect',
])
const TAKEN_OUT = new Set(['if-none-match', 'if-modified-since', 'if-match', 'if-range', 'range', 'cookie'])
const ONCE = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']

function run(input: string): string {
  const fields = fieldsIn(input)
  const options = { rules: rulesWith({ cookies: 'ignore' }), hasBody: true }
  const sentFor = (trusted: boolean) =>
    sentUpstream(requestWith({}, { fields, peer: { address: '::1', trusted } }), options)
  const sent = sentFor(false)
  for (const [name, value] of lines(sent)) {
    must('no field ends a line', !/[\r\n\0]/.test(name + value), name, value)
    const read = name.replaceAll('_', '-')
    must('what is for one connection goes no further', !NEVER.has(read), name)
    must('what steers routing goes no further', !STEERING.has(read), name)
    must('conditions, ranges and cookies are taken out', !TAKEN_OUT.has(read), name)
  }
  must('there is one Host, the first field', fieldLines(sent, 'host').join() === 'a.test' && sent[0] === 'Host', sent)
  for (const name of ONCE) must('what we add is there once', fieldLines(sent, name).length === 1, name, sent)
  must('Forwarded is ours', fieldLines(sent, 'forwarded').join() === 'for="[::1]";host=a.test;proto=http', sent)
  must(
    'a length is one number',
    fieldLines(sent, 'content-length').every((length) => /^\d+$/.test(length)),
    sent,
  )
  must('a body is framed in one way', fieldLines(sent, 'content-length').length <= 1, sent)
  must('whoever gets it again sees the loop', loops(sent, 'herdgate'), fieldLines(sent, 'via'))
  must('a trusted peer is believed', fieldLines(sentFor(true), 'via').length === 1)
  const problem = connectionProblem(fields)
  const named = [...connectionOptions(fields)].filter((option) => option !== 'via' && option !== 'host')
  must(
    'what Connection names is left out',
    problem !== undefined || !named.some((name) => ours(name, sent)),
    named,
    sent,
  )
  const { kind } = admit(ROUTES, requestWith({}, { fields }))
  must(
    'what goes in circles, or takes away what it may not, is not let in',
    (kind === 'admitted') === (problem === undefined && !loops(fields, 'herdgate')),
    kind,
  )
  return `${problem} ${loops(fields, 'herdgate')} ${sent.length}`
}

/** Herdgate may send TE and Content-Length itself. */
const ours = (name: string, sent: readonly string[]): boolean =>
  has(sent, name) && !['te', 'content-length', ...ONCE].includes(name)
