/** Only space and tab count as white space around the members of a field's value (RFC 9110 section 5.6.3). */
import { describe, expect, test } from 'vitest'
import { clientAddress } from '../../src/policy/fields/forwarded.ts'
import { lifetimeOf } from '../../src/policy/freshness.ts'
import { invalidatedBy } from '../../src/policy/invalidates.ts'
import { ifRangeHolds, parseRange } from '../../src/policy/range.ts'
import { precondition } from '../../src/policy/validation.ts'
import { languageKey, languageKeyOf } from '../../src/policy/vary.ts'
import { loops } from '../../src/policy/fields/via.ts'
import { NOW, requestWith, rulesWith, sentUpstream } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

const PROXY = { address: '10.0.0.1', trusted: true, trusts: (address: string) => address === '10.0.0.2' }
const EXCHANGE = { requestedAt: NOW, respondedAt: NOW }
const IN_GERMAN = ['k', ['accept-language'], fieldsOf({ 'Accept-Language': 'de' })] as const

/** Whether a value is still understood with the given character beside it. */
const MEANT: Readonly<Record<string, (around: string) => boolean>> = {
  'If-None-Match: *': (_) => precondition(requestWith({ 'If-None-Match': `${_}*` }), 200, []) === 'not-modified',
  'If-None-Match without quotes': (_) =>
    precondition(requestWith({ 'If-None-Match': `x${_}a` }), 200, fieldsOf({ ETag: '"a"' })) === 'not-modified',
  'If-Range': (_) => ifRangeHolds(fieldsOf({ 'If-Range': `"a"${_}` }), fieldsOf({ ETag: '"a"' })),
  Range: (_) => parseRange(`bytes=0-1,${_}3-4`)?.kind === 'bytes',
  'the unit of Range': (_) => parseRange(`${_}bytes=0-1`)?.kind === 'bytes',
  Age: (_) => {
    const fields = fieldsOf({ 'Cache-Control': 'max-age=60', Age: `5${_}` })
    return lifetimeOf({ status: 200, fields }, rulesWith(), EXCHANGE).freshUntil > NOW
  },
  Location: (_) => {
    const response = { status: 201, fields: fieldsOf({ Location: `/new${_}` }) }
    return invalidatedBy(requestWith({}, { method: 'POST' }), response).urls.includes('a.test/new')
  },
  'Content-Language': (_) =>
    languageKeyOf(...IN_GERMAN, fieldsOf({ 'Content-Language': `de${_}` })) === languageKey(...IN_GERMAN),
  Via: (_) => loops(fieldsOf({ Via: `1.1${_}herdgate` }), 'herdgate'),
  'X-Forwarded-For': (_) =>
    clientAddress(fieldsOf({ 'X-Forwarded-For': `192.0.2.1,${_}10.0.0.2` }), PROXY) === '192.0.2.1',
  TE: (_) => sentUpstream(requestWith({ TE: `${_}trailers` }), { stripConditionals: false }).includes('TE'),
}

describe.each(Object.keys(MEANT))('%s', (name) => {
  test.each([
    ['a space', ' ', true],
    ['a tab', '\t', true],
    ['a no-break space', '\xa0', false],
  ])('with %s', (_, around, expected) => expect(MEANT[name]?.(around)).toBe(expected))
})
