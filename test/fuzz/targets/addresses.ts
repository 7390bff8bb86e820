import { Selectors, targetsOf } from '../../../routes/admin/selectors.ts'
import { urlsOfBothSchemes, readUrl } from '../../../src/policy/absolute-url.ts'
import { matchInTurn, matchRoute } from '../../../src/policy/route.ts'
import { nameOf, parseTarget, splitUrl } from '../../../src/policy/target.ts'
import { routeWith } from '../../policy/support.ts'
import { must, mustEqual, REQUEST_HEAD, type Target } from '../target.ts'

/** A request target, its Host lines, and an absolute URL, one per line. */
export const addresses: Target = {
  name: 'addresses',
  covers: [
    'src/policy/target.ts',
    'src/policy/absolute-url.ts',
    'src/policy/route.ts',
    'src/policy/route-index.ts',
    'routes/admin/selectors.ts',
  ],
  dictionary: [
    ['http://', 'https://', 'HTTP://', 'a.test', 'A.TEST', 'b.test:8080', ':80', ':443', ':0', ':65536', '[::1]'],
    ['[::ffff:1.2.3.4]', '/', '//', '/../', '/./', '%2e%2e', '%2f', '?', '#', '@', '*', '\\', '.', '..', '\n', '%00'],
    ['u:p@', 'a.test.', 'xn--', '127.0.0.1', '0x7f.1', ';', '\t', 'localhost', '_'],
  ].flat(),
  seeds: [
    '/a/b?c=d\na.test\nhttp://a.test/x?y',
    'http://a.test:80/x\nA.TEST\nHTTPS://A.test:443?q',
    '*\na.test:8080\nhttps://[::1]:8443/',
    '//a/../b;c\na.test.\nhttp://sub.a.test/admin/x',
    '/x\na\nb\nhttp://u@a.test/#f',
  ],
  maxLength: REQUEST_HEAD,
  run,
}

const ROUTES = [
  routeWith({ name: 'wild', match: { host: '*.a.test', path: '/admin/*' } }),
  routeWith({ name: 'port', match: { host: 'b.test:8080', methods: ['GET'] } }),
  routeWith({ name: 'exact', match: { host: 'a.test', path: '/x' } }),
]

/** Enough routes that they are looked up by host. */
const MANY = [...Array.from({ length: 20 }, (_, n) => routeWith({ match: { host: `h${n}.test` } })), ...ROUTES]

/** It has nothing that could be read as user information, a path, or a second authority. */
const AUTHORITY = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/

function run(input: string): string {
  const [target = '', host = '', text = ''] = input.split('\n')
  const methods = target === '*' ? 'OPTIONS' : 'GET'
  const parsed = parseTarget({ method: methods, target, hosts: [host], scheme: 'http' })
  if (parsed.ok) sound(parsed.url, target, host)
  const read = readUrl(text)
  if (read.ok) {
    mustEqual('a URL read again is the same', readUrl(read.url), { ...read, authority: splitUrl(read.url).authority })
    must(
      'what it names is its own name',
      urlsOfBothSchemes(text).some((url) => nameOf(url) === nameOf(read.url)),
      urlsOfBothSchemes(text),
    )
  } else mustEqual('what is no URL names nothing', urlsOfBothSchemes(text), [])
  const selectors = Selectors.safeParse({ tags: [text], urls: [text], prefixes: [text] })
  must('a purge is of URLs', !selectors.success || read.ok, text)
  if (selectors.success) targetsOf(selectors.data, 'x')
  const reason = parsed.ok ? routed(parsed.url) : parsed.detail
  return `${reason} ${read.ok ? 'url' : read.detail} ${selectors.success}`
}

function sound(url: string, target: string, host: string): void {
  const { scheme, authority, target: found } = splitUrl(url)
  must('an authority is host and port alone', AUTHORITY.test(authority), authority)
  must('the scheme is that of the connection', scheme === 'http', url)
  if (target.startsWith('/')) must('the octets of a target stay as they are', found === target, found, target)
  const again = parseTarget({
    method: found === '*' ? 'OPTIONS' : 'GET',
    target: found,
    hosts: [authority],
    scheme: 'http',
  })
  mustEqual('a URL taken apart and read again is the same', again, { ok: true, url })
  must('the host is the one that was sent', host.toLowerCase().startsWith(authority.replace(/:\d+$/, '')), host)
}

function routed(url: string): string {
  must('many routes are matched as each in turn', matchRoute(MANY, 'GET', url) === matchInTurn(MANY, 'GET', url), url)
  const route = matchRoute(ROUTES, 'GET', url)
  if (typeof route === 'string') return route
  const { authority, target } = splitUrl(url)
  const { host = '' } = route.match
  must('a route is for its hosts only', authority.replace(/:\d+$/, '').endsWith(host.replace(/^\*|:\d+$/g, '')), url)
  must('a route is for its paths only', target.startsWith((route.match.path ?? '').replace('*', '')), url)
  return route.name
}
