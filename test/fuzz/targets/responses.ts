import { fieldLines, has } from '../../../src/fields.ts'
import { responseDirectives } from '../../../src/policy/fields/targeted-control.ts'
import { freshnessOf, lifetimeOf } from '../../../src/policy/freshness.ts'
import { cachedHead, dated, passedHead, storedFields, withOneDate } from '../../../src/policy/response.ts'
import { storable } from '../../../src/policy/storable.ts'
import { entryWith, NOW, requestWith, rulesWith } from '../../policy/support.ts'
import { must, RESPONSE_HEAD, type Target } from '../target.ts'
import { fieldsIn, sections } from './message.ts'

/** The status and fields of a response, and the fields of its request. */
export const responses: Target = {
  name: 'responses',
  covers: ['src/policy/storable.ts', 'src/policy/freshness.ts', 'src/policy/response.ts'],
  dictionary: [
    [
      'Cache-Control: ',
      'CDN-Cache-Control: ',
      'Herdgate-Cache-Control: ',
      'Surrogate-Control: ',
      'Expires: ',
      'Date: ',
    ],
    [
      'Age: ',
      'Last-Modified: ',
      'ETag: "a"',
      'Set-Cookie: a=b',
      'Vary: ',
      'Connection: ',
      'Content-Range: bytes 0-1/5',
    ],
    ['max-age=60', 's-maxage=60', 'public', 'private', 'no-store', 'no-cache', 'must-revalidate', 'must-understand'],
    [
      'stale-while-revalidate=60',
      'stale-if-error=60',
      'Authorization: x',
      'Cookie: a',
      'Wed, 18 Nov 2026 12:00:00 GMT',
    ],
    [
      'Wed, 18 Nov 2026 11:59:00 GMT',
      '200\n',
      '404\n',
      '206\n',
      '304\n',
      '500\n',
      '\n\n',
      ', ',
      '"',
      'Surrogate-Key: a',
    ],
  ].flat(),
  seeds: [
    '200\nCache-Control: max-age=60\nDate: Wed, 18 Nov 2026 12:00:00 GMT\nAge: 5\nETag: "a"\n\nCookie: a',
    '404\nExpires: Wed, 18 Nov 2026 12:01:00 GMT\nSet-Cookie: a=b\nVary: x',
    '200\nCDN-Cache-Control: max-age=60;a, stale-if-error=9\nCache-Control: no-store\n\nAuthorization: x',
    '301\nLast-Modified: Wed, 18 Nov 2026 11:00:00 GMT\nConnection: x-a\nX-A: 1\nSurrogate-Key: a b',
    '500\nCache-Control: public, s-maxage=99999999999, stale-while-revalidate=5\nAge: 99999999999999999999',
  ],
  maxLength: RESPONSE_HEAD,
  run,
}

const RULES = [
  rulesWith({ cookies: 'rfc' }),
  rulesWith({ cookies: 'safe', grace: 60_000, ttl: 10_000, softTimeout: 0, refreshAhead: 0.5 }),
] as const
const EXCHANGE = { requestedAt: NOW - 1500, respondedAt: NOW }

/**
 * Directives that only restrict. Others permit something: must-revalidate, s-maxage and public (RFC 9111 section 3.5);
 * and a stated lifetime may be longer than the heuristic one it replaces.
 */
const RESTRICTING = ['no-store', 'no-cache', 'private', 'proxy-revalidate', 'private="x"', 'NO-STORE', 'max-age=abc']

/** These state how long the response may be used, which storable.ts demands for credentials and cookies. */
const STATING = new Set(['no-cache', 'max-age=abc'])

/** Longer inputs are parsed, but not compared with stricter ones, which would parse them sixty times. */
const LONGEST_COMPARED = 4 * 1024

function run(input: string): string {
  const [head = '', asked = ''] = sections(input, 2)
  const [first = '', ...rest] = head.split('\n')
  const status = /^[1-5]\d\d$/.test(first) ? Number(first) : 200
  const fields = fieldsIn(rest.join('\n'))
  const request = requestWith({}, { fields: fieldsIn(asked) })
  const words = RULES.map((rules) => {
    const judged = storable(request, { status, fields }, rules)
    const freshness = sound({ status, fields }, rules)
    if (input.length <= LONGEST_COMPARED) restrictive({ status, fields }, request, rules)
    if (judged.store) {
      const { noStore, mustUnderstand, private: isPrivate } = responseDirectives(fields)
      must('what must not be stored is not', (!noStore || mustUnderstand) && !isPrivate, fields)
      must('cookies are not shared', rules.cookies !== 'safe' || !has(fields, 'set-cookie'), fields)
      must('a status that is no answer is not stored', status >= 200 && status !== 304 && status !== 416, status)
    }
    return `${judged.store ? 'store' : judged.why} ${freshness}`
  })
  heads(status, fields)
  return `${words.join()} ${status}`
}

interface Response {
  readonly status: number
  readonly fields: readonly string[]
}

function sound(response: Response, rules: (typeof RULES)[number]): string {
  const life = lifetimeOf(response, rules, EXCHANGE)
  const { refreshAt, mustRevalidate, ...times } = life
  must('times are numbers', Object.values(times).every((ms) => Number.isFinite(ms)) && !Number.isNaN(refreshAt), life)
  must('nothing is made in the future', life.bornAt <= NOW, life)
  must('stale use comes after fresh use', life.staleWhileRevalidateUntil >= life.freshUntil, life)
  must('stale use comes after fresh use', life.staleIfErrorUntil >= life.freshUntil, life)
  must('what may be used is kept', life.keepUntil >= life.staleIfErrorUntil && life.keepUntil >= life.freshUntil, life)
  const never =
    !mustRevalidate ||
    (life.staleIfErrorUntil === life.freshUntil && life.freshUntil === life.staleWhileRevalidateUntil)
  must('what must be revalidated has no stale use', never, life)
  const { ms, source } = freshnessOf(response, responseDirectives(response.fields), rules, NOW)
  must('a lifetime is not negative', ms >= 0 && ms <= 2 ** 31 * 1000 + 8e15, ms)
  return source
}

function restrictive(response: Response, request: ReturnType<typeof requestWith>, rules: (typeof RULES)[number]): void {
  const { store } = storable(request, response, rules)
  const { freshUntil } = lifetimeOf(response, rules, EXCHANGE)
  for (const more of RESTRICTING) {
    const stricter = { ...response, fields: [...response.fields, 'Cache-Control', more] }
    if (!STATING.has(more)) must('more is never stored', store || !storable(request, stricter, rules).store, more)
    must('fresh is never longer', lifetimeOf(stricter, rules, EXCHANGE).freshUntil <= Math.max(freshUntil, NOW), more)
  }
  for (const age of ['0', '5', '-1', 'x', '99999999999']) {
    const older = { ...response, fields: [...response.fields, 'Age', age] }
    must(
      'another Age never makes it fresher',
      lifetimeOf(older, rules, EXCHANGE).freshUntil <= Math.max(freshUntil, NOW),
      age,
    )
  }
}

const HOP_BY_HOP = ['connection', 'transfer-encoding', 'keep-alive', 'upgrade', 'proxy-authenticate']
const outcome = { result: 'hit' } as const

function heads(status: number, fields: readonly string[]): void {
  const stored = dated(storedFields(withOneDate(fields, NOW), 'ignore'), NOW)
  for (const name of [...HOP_BY_HOP, 'age', 'set-cookie', 'surrogate-key', 'content-length']) {
    must('what is for one connection or one user is not kept', !has(stored, name), name)
  }
  const sent = cachedHead(entryWith({ status, fields: stored }), outcome, NOW + 5000, rulesWith())
  must('there is one Age, a whole number', /^\d+$/.test(fieldLines(sent, 'age').join()), fieldLines(sent, 'age'))
  must('there is one Date', fieldLines(sent, 'date').length === 1)
  const passed = passedHead(status, fields, outcome, rulesWith({ cookies: 'ignore' }))
  for (const name of [...HOP_BY_HOP, 'set-cookie', 'surrogate-key', 'herdgate-cache-control']) {
    must('what is not for clients is not passed on', !has(passed, name) && !has(sent, name), name)
  }
}
