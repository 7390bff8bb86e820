import { type Fields, field, trimmed } from '../../../src/fields.ts'
import { normalCodings, normalPreferences, preferredLanguage } from '../../../src/policy/fields/preferences.ts'
import { underAnySpelling } from '../../../src/policy/key.ts'
import { languageKey, selectingValues, selects, variantKey, varyOn } from '../../../src/policy/vary.ts'
import { must, mustEqual, REQUEST_HEAD, type Target } from '../target.ts'
import { fieldsIn, sections } from './message.ts'

/** A response's head, its request, and another request. */
export const selection: Target = {
  name: 'selection',
  covers: ['src/policy/vary.ts', 'src/policy/fields/preferences.ts'],
  dictionary: [
    ['Vary: ', 'Vary: *', 'Accept', 'Accept-Language', 'Accept-Encoding', 'X-A', 'User-Agent', 'Cookie', '__proto__'],
    ['Accept: text/html;q=0.5, */*', 'Accept-Language: de-CH, de;q=0.8, *;q=0.1', 'Accept-Encoding: gzip, br'],
    ['Content-Language: de', 'Content-Encoding: gzip', ';q=0', ';q=1.0', 'identity', ' , ', '"a,b"', '\n\n', 'X-A: '],
  ].flat(),
  seeds: [
    'Vary: Accept, x-a\n\nAccept: a, b\nX-A: 1\n\nAccept: a,b\nX-A: 1',
    'Vary: Accept-Language\nContent-Language: de\n\nAccept-Language: de, en;q=0.5\n\nAccept-Language: en;q=0.5,de',
    'Vary: Accept-Encoding\nContent-Encoding: gzip\n\nAccept-Encoding: gzip, br\n\nAccept-Encoding: br;q=1, gzip',
    'Vary: X-A\n\nX-A: 1\nX_A: 2\n\nX-A: 1',
    'Vary: X-A\nVary: X-B\n\nX-A: "a, b"\nX-A: c\n\nX-A: "a,b", c',
    'Vary: *',
  ],
  maxLength: 2 * REQUEST_HEAD, // a request twice; of a response only Vary and the fields it names
  run,
}

function run(input: string): string {
  const [head = '', first = '', second = ''] = sections(input, 3)
  const response = fieldsIn(head)
  const [asked, asks] = [fieldsIn(first), fieldsIn(second)]
  negotiated(field(asked, 'accept-language') ?? first)
  const on = varyOn(response)
  must('another name never makes a response selectable', on !== '*' || varyOn([...response, 'Vary', 'x']) === '*')
  if (on === '*') return '*'
  must('names are few, lower-case, sorted, and each there once', soundNames(on), on)
  must('a response is selected by its own request', selects(selectingValues(on, asked), asked), on)
  const chosen = selects(selectingValues(on, asked), asks)
  const sameKey = variantKey('k', on, asked) === variantKey('k', on, asks)
  must('requests share a variant exactly when it is selected by both', chosen === sameKey, on, asked, asks)
  must('selection has no order', selects(selectingValues(on, asks), asked) === chosen, on, asked, asks)
  const valueIn = (fields: Fields, name: string) => underAnySpelling(name, field(fields, name), fields)
  const identical = on.every((name) => valueIn(asked, name) === valueIn(asks, name))
  must('equal fields select', chosen || !identical, on, asked, asks)
  const present = on.every((name) => (field(asked, name) === undefined) === (field(asks, name) === undefined))
  must('an absent field is no empty one', present || !chosen, on, asked, asks)
  const inLanguage = languageKey('k', on, asked)
  must('a name by language is no other', inLanguage !== variantKey('k', on, asked) && inLanguage !== 'k', inLanguage)
  return `${on.length} ${chosen} ${identical} ${inLanguage === undefined}`
}

function negotiated(value: string): void {
  const codings = normalCodings(value)
  mustEqual('normal codings stay as they are', normalCodings(codings), codings, value)
  const normal = normalPreferences(value)
  mustEqual('what is normal stays as it is', normalPreferences(normal), normal, value)
  const reordered = value.split(',').toReversed().join(', ')
  must('the order of preferences means nothing', isMalformed(value) || normalPreferences(reordered) === normal, value)
  const language = preferredLanguage(value)
  mustEqual('the preferred language stays so', preferredLanguage(normal), language, value)
  must('a preferred language is one', language === undefined || /^[^\s,;*]+$/.test(language), language)
}

/** A malformed value is not normalised, so its spelling and order are kept. */
const isMalformed = (value: string): boolean => normalPreferences(value) === trimmed(value)

function soundNames(on: readonly string[]): boolean {
  const sorted = [...new Set(on)].sort()
  return (
    on.length <= 16 && sorted.join() === on.join() && on.every((name) => name !== '' && name === name.toLowerCase())
  )
}
