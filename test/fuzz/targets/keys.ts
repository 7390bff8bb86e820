import { keyOf, namesOf } from '../../../src/policy/key.ts'
import { nameOf } from '../../../src/policy/target.ts'
import { requestWith, routeWith, rulesWith } from '../../policy/support.ts'
import { must, mustEqual, REQUEST_HEAD, type Target } from '../target.ts'
import { fieldsIn, sections } from './message.ts'

/** Two requests, each with path and query, then field lines. */
export const keys: Target = {
  name: 'keys',
  covers: ['src/policy/key.ts'],
  dictionary: [
    ['?', '&', '=', ';', '%26', '%3d', 'utm_source', 'utm_', 'sid', 'side', 'a=1', 'b=2', '/', '\n', ':', '-', 'h'],
    ['x-tenant: ', 'Cookie: ', 'currency=', 'theme=', '"', '__proto__', 'cookie: a=1; currency=EUR', '\n\n'],
  ].flat(),
  seeds: [
    '/a?b=2&a=1&utm_x=1\nX-Tenant: t\nCookie: currency=EUR; theme=dark\n\n/a?a=1&b=2\nx-tenant: t',
    '/a?sid=1&side=2&utm_content=1;x=2\n\n/a?side=2',
    '/a?x=1%26utm_a=1&=&&\nCookie: currency=EUR; currency=USD\n\n/a',
  ],
  maxLength: REQUEST_HEAD,
  run,
}

const PLAIN = routeWith({ name: 'r' })
const IGNORE = ['utm_*', 'sid']
const KEYED = routeWith({
  name: 'r',
  rules: rulesWith({
    key: { sortQuery: true, ignoreQuery: IGNORE, headers: ['x-tenant', 'h'], cookies: ['currency', 'theme'] },
  }),
})

function run(input: string): string {
  const [one = '', other = ''] = sections(input, 2)
  const requests = [requestIn(one), requestIn(other)] as const
  for (const request of requests) sound(request)
  const [plain, plainOther] = [keyOf(PLAIN, requests[0]).key, keyOf(PLAIN, requests[1]).key]
  mustEqual('plain keys are equal exactly when URLs are', plain === plainOther, requests[0].url === requests[1].url)
  const [first, second] = [keyOf(KEYED, requests[0]), keyOf(KEYED, requests[1])]
  if (first.key === second.key) mustEqual('equal keys ask the origin for the same', first.target, second.target)
  return `${first.key === second.key} ${first.url === requests[0].url} ${Math.min(first.key.split('\n').length, 6)}`
}

function requestIn(section: string): ReturnType<typeof requestWith> {
  const [target = '', ...lines] = section.split('\n')
  const path = target.replaceAll(/[^\x21\x22\x24-\x7e]/g, '')
  return { ...requestWith(), url: `http://a.test/${path.replace(/^\//, '')}`, fields: fieldsIn(lines.join('\n')) }
}

function sound(request: ReturnType<typeof requestWith>): void {
  const { key, target, url } = keyOf(KEYED, request)
  const { url: again, key: same } = keyOf(KEYED, { ...request, url })
  mustEqual('a rewritten URL is rewritten to itself', { key: same, url: again }, { key, url })
  must('the target is that of the URL', url.endsWith(target) && target.startsWith('/'), url, target)
  must(
    'parameters are kept as they are or left out',
    isPart(parameters(url), parameters(request.url)),
    url,
    request.url,
  )
  must('ignored ones are left out', !parameters(url).some((name) => /^(?:utm_|sid(?:=|$))/.test(name)), url)
  const names = namesOf([KEYED], request.url)
  must('it is purged by both names', names.includes(nameOf(url)) && names.includes(nameOf(request.url)), names)
}

const parameters = (url: string): string[] => (url.includes('?') ? url.slice(url.indexOf('?') + 1).split('&') : [])

function isPart(some: readonly string[], all: readonly string[]): boolean {
  const left = Map.groupBy(all, (member) => member)
  return some.every((member) => left.get(member)?.pop() !== undefined)
}
