/** Which resource a request is for: Host and the request target (RFC 9112 section 3.2, RFC 9110 section 7.2). */
import { fieldLines } from '../../src/fields.ts'
import { type Attack, get, PASSED, REFUSED, request, table } from './attack.ts'
import type { Seen } from './origins.ts'

/** A request with this value in its only Host line. */
const host = (value: string): string => `GET {path} HTTP/1.1\r\nHost: ${value}\r\n\r\n`
/** A request for this target of host a.test. */
const target = (text: string): string => `GET ${text} HTTP/1.1\r\nHost: a.test\r\n\r\n`

const refused = (send: string) => ({ ...REFUSED, send })
const MISDIRECTED = { answers: [421], closed: false, origin: [] } as const

const HOSTS: readonly Attack[] = [
  { id: 'host', name: 'twice, different', ...refused(get('Host: evil')) },
  { id: 'host', name: 'twice, the same', ...refused(get('Host: a.test')) },
  { id: 'host', name: 'twice, in different case', ...refused(get('hOST: evil')) },
  { id: 'host', name: 'twice, with other fields between', ...refused(get('Accept: */*', 'Host: evil')) },
  { id: 'host', name: 'missing', ...refused('GET {path} HTTP/1.1\r\nAccept: */*\r\n\r\n') },
  ...[
    '',
    ' \t ',
    'a.test, evil',
    'a.test,a.test',
    'a.test evil',
    'a.test/x',
    'a.test?x',
    'a.test#x',
    'http://a.test',
    'u@a.test',
    'u:p@a.test',
    'a.test@evil',
    'a.test:',
    'a.test:0',
    'a.test:99999',
    'a.test:80x',
    'a.test:-80',
    'a.test:80:80',
    'a.test: 80',
    '[::1',
    '[::1]x',
    '[::g]',
    '::1',
    '[v1.evil]',
    '.a.test',
    'a..test',
    'a.test..',
    'a.test\\evil',
    'a.test%00evil',
    'a.test;evil',
    'a.test|evil',
    '*',
    '"a.test"',
    '<evil>',
    'a.t\xebst',
    `${'a'.repeat(256)}.test`,
  ]
    .filter((value) => value !== 'a.test:')
    .map((value) => ({ id: 'host', name: JSON.stringify(value.slice(0, 40)), ...refused(host(value)) })),
  { id: 'host', name: 'with NUL', ...refused(host('a.test\0.evil')) },
  { id: 'host', name: 'with a bare CR', ...refused(host('a.test\r.evil')) },
  { id: 'host', name: 'with white space before the colon', ...refused('GET {path} HTTP/1.1\r\nHost : a.test\r\n\r\n') },
  {
    id: 'host',
    name: 'after white space as the first line',
    ...refused('GET {path} HTTP/1.1\r\n Host: a.test\r\n\r\n'),
  },
  {
    id: 'host',
    name: 'and another after white space as the first line',
    ...refused('GET {path} HTTP/1.1\r\n Host: evil\r\nHost: a.test\r\n\r\n'),
  },
  { id: 'host', name: 'folded', ...refused('GET {path} HTTP/1.1\r\nHost: a.test\r\n evil\r\n\r\n') },
  { id: 'host', name: 'and H\u00f6st', ...refused(get('H\xf6st: evil')) },
  { id: 'host', name: 'in different case is the same', ...PASSED, send: host('A.TesT') },
  { id: 'host', name: 'with a final dot is the same', ...PASSED, send: host('a.test.') },
  { id: 'host', name: 'with the default port is the same', ...PASSED, send: host('a.test:80') },
  { id: 'host', name: 'with an empty port is the same', ...PASSED, send: host('a.test:') },
  { id: 'host', name: 'surrounded by white space is the same', ...PASSED, send: host(' \t a.test \t') },
  { id: 'host', name: 'with another port is another', ...PASSED, send: host('a.test:8080') },
  {
    id: 'host',
    name: 'with another port is another, the other way round',
    ...PASSED,
    victim: { host: 'a.test:8080' },
    send: host('a.test'),
  },
  { id: 'host', name: 'that is not served', ...MISDIRECTED, send: host('evil') },
  { id: 'host', name: 'that ends like one that is served', ...MISDIRECTED, send: host('evil.a.test') },
  { id: 'host', name: 'that is an address', ...MISDIRECTED, send: host('169.254.169.254') },
  { id: 'host', name: 'that is this machine', ...MISDIRECTED, send: host('localhost') },
  {
    id: 'host',
    name: 'left out in HTTP/1.0',
    answers: [421],
    closed: true,
    origin: [],
    send: 'GET {path} HTTP/1.0\r\n\r\n',
  },
  { id: 'host', name: 'twice in HTTP/1.0', ...refused('GET {path} HTTP/1.0\r\nHost: a.test\r\nHost: evil\r\n\r\n') },
  { id: 'host', name: 'empty in HTTP/1.0', ...refused('GET {path} HTTP/1.0\r\nHost:\r\n\r\n') },
]

const TARGETS: readonly Attack[] = [
  ...[
    'http://b.test/x',
    'http://169.254.169.254/latest',
    'http://strict.test{path}',
    'https://a.test{path}',
    'ftp://a.test{path}',
    'file:///etc/passwd',
    'http://u@a.test{path}',
    'http://a.test@evil{path}',
    'http://a.test:81{path}',
    'http://{path}',
    'http:{path}',
    'http:/a.test{path}',
    '@evil/x',
    'evil:80',
    'evil',
    '?x',
    '*',
    '*{path}',
    '{path}#evil',
    '{path}\x00',
    '{path}\x0b',
    '{path}\x7f',
    '{path}\t',
    '{path}\xff',
    '{path} evil',
    '{path} HTTP/1.1 HTTP/1.1',
    '\\{path}',
    '',
  ].map((text) => ({ id: 'target', name: JSON.stringify(text), ...refused(target(text)) })),
  { id: 'target', name: 'and a VT after the version', ...refused('GET {path} HTTP/1.1\x0bz\r\nHost: a.test\r\n\r\n') },
  { id: 'target', name: 'and no version', ...refused('GET {path}\r\nHost: a.test\r\n\r\n') },
  { id: 'target', name: 'and version 0.9', ...refused('GET {path} HTTP/0.9\r\nHost: a.test\r\n\r\n') },
  { id: 'target', name: 'and version 2.0', ...refused('GET {path} HTTP/2.0\r\nHost: a.test\r\n\r\n'), answers: [505] },
  { id: 'target', name: 'and version 1.2', ...refused('GET {path} HTTP/1.2\r\nHost: a.test\r\n\r\n') },
  { id: 'target', name: 'and version 1.10', ...refused('GET {path} HTTP/1.10\r\nHost: a.test\r\n\r\n') },
  { id: 'target', name: 'and another protocol', ...refused('GET {path} SIP/1.0\r\nHost: a.test\r\n\r\n') },
  { id: 'target', name: 'of HTTP/2', ...refused('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') },
  {
    id: 'target',
    name: 'of CONNECT',
    ...refused('CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n'),
    answers: [405],
  },
  { id: 'target', name: 'of CONNECT, a path', ...refused(request('CONNECT {path}')), answers: [405] },
  { id: 'target', name: 'POST *', ...refused(request('POST *', 'Content-Length: 0')) },
  { id: 'target', name: 'OPTIONS * is for the server', ...PASSED, origin: ['OPTIONS *'], send: request('OPTIONS *') },
  {
    id: 'target',
    name: 'OPTIONS with an absolute target without a path is for the server',
    ...PASSED,
    origin: ['OPTIONS *'],
    send: request('OPTIONS http://a.test'),
  },
  {
    id: 'target',
    name: 'OPTIONS for the server has no content',
    ...refused(`${request('OPTIONS http://a.test', 'Content-Length: 5')}hello`),
  },
  { id: 'target', name: 'a method in lower case is another', ...refused(request('get {path}')) },
  { id: 'target', name: 'an invalid method', ...refused(request('EVIL {path}')) },
  { id: 'target', name: 'a method with one letter too many', ...refused(request('GETX {path}')) },
  { id: 'target', name: 'absolute, of the same host', ...PASSED, send: target('http://A.test:80{path}') },
  {
    id: 'target',
    name: 'absolute with a malformed Host',
    ...refused('GET http://a.test{path} HTTP/1.1\r\nHost: a.test/\r\n\r\n'),
  },
  {
    id: 'target',
    name: 'absolute without Host',
    ...refused('GET http://a.test{path} HTTP/1.1\r\nAccept: */*\r\n\r\n'),
  },
  {
    id: 'target',
    name: 'absolute without Host in HTTP/1.0',
    ...PASSED,
    closed: true,
    send: 'GET http://a.test{path} HTTP/1.0\r\n\r\n',
  },
  {
    id: 'target',
    name: 'with two slashes is a path',
    ...PASSED,
    origin: ['GET //evil{path}'],
    send: target('//evil{path}'),
  },
]

/** Each URL of a pair is a separate resource: the origin gets the target octet by octet as sent. */
const PAIRS: readonly Attack[] = (
  [
    ['{path}//b', '{path}/b'],
    ['{path}/./b', '{path}/b'],
    ['{path}/a/../b', '{path}/b'],
    ['{path}/a/%2e%2e/b', '{path}/a/../b'],
    ['{path}/a%2fb', '{path}/a/b'],
    ['{path}/a%2Fb', '{path}/a%2fb'],
    ['{path}/A', '{path}/a'],
    ['{path}?', '{path}'],
    ['{path}/', '{path}'],
    ['{path}/%61', '{path}/a'],
    ['{path}/a;b', '{path}/a'],
    ['{path}/a\\b', '{path}/a/b'],
    ['{path}/%00', '{path}/'],
    ['{path}/a:GET:/b', '{path}/a'],
    ['{path}/a|b', '{path}/a'],
    ['{path}/a%0ab', '{path}/a'],
    ['{path}?a=1&b=2', '{path}?b=2&a=1'],
    ['{path}?x=1&x=evil', '{path}?x=1'],
    ['{path}?x=1%26x=evil', '{path}?x=1'],
    ['{path}?x[]=evil', '{path}?x=evil'],
    ['{path}?_method=POST', '{path}'],
    ['{path}?a=1;b=evil', '{path}?a=1'],
    ['{path}?__proto__=evil', '{path}?'],
    ['/16777215', '/16777216'],
    ['/__proto__', '/constructor'],
  ] as const
).map(([sent, path]) => ({
  id: 'P7',
  name: `${sent} is not ${path}`,
  send: target(sent),
  answers: [200],
  closed: false,
  origin: [`GET ${sent}`],
  victim: { path },
}))

table('host and target', [...HOSTS, ...TARGETS, ...PAIRS])

const toOurAddress = (_answers: unknown, [seen]: readonly Seen[]): void => {
  const host = fieldLines(seen?.fields ?? [], 'host').join()
  if (!/^127\.0\.0\.1:\d+$/.test(host)) throw new Error(`the origin got Host: ${host}`)
}

/** Without Host, an HTTP/1.0 request is for the address it was sent to: the route for all hosts serves it. */
const HOSTLESS: readonly Attack[] = [
  { id: 'host', name: 'left out', ...PASSED, closed: true, send: 'GET {path} HTTP/1.0\r\n\r\n', also: toOurAddress },
  {
    id: 'host',
    name: 'left out, and given elsewhere',
    ...PASSED,
    closed: true,
    send: 'GET {path} HTTP/1.0\r\nX-Forwarded-Host: evil\r\nForwarded: host=evil\r\n\r\n',
    also: toOurAddress,
  },
  { id: 'host', name: 'left out in HTTP/1.1', ...refused('GET {path} HTTP/1.1\r\n\r\n') },
]

table('without a host', HOSTLESS, ({ echo }) => `version: 1\norigins: { echo: { urls: ["${echo}"] } }\n`)
