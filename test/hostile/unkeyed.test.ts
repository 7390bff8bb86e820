/**
 * Request properties that are not in the key (docs/security.md, "What is keyed"): if an origin's answer depends on
 * them it must not be shared. Names are from the documentation of frameworks, servers and networks that read them.
 */
import { type Attack, get, PASSED, request, strictly, table } from './attack.ts'

/** They claim another host, or another way of reaching it. */
const OTHER_HOST = `
  Forwarded Forwarded-For Forwarded-For-IP Forwarded-Host Forwarded-Port Forwarded-Proto Forwarded-Server Host-Override
  Http-Host Proxy-Host X-Backend X-Backend-Host X-Forward-For X-Forward-Host X-Forward-Port X-Forward-Proto
  X-Forwarded X-Forwarded-By X-Forwarded-For X-Forwarded-For-Original X-Forwarded-Host X-Forwarded-Port
  X-Forwarded-Prefix X-Forwarded-Path X-Forwarded-Proto X-Forwarded-Protocol X-Forwarded-Scheme X-Forwarded-Server
  X-Forwarded-Ssl X-Forwarded-Uri X-Forwarded-Url X-Forwarder-For X-ForwardedFor X-Host X-Host-Override X-Http-Host
  X-HTTP-Host-Override X-Original-Forwarded-Host X-Original-Host X-Server-Name
`
/** They claim another target. */
const OTHER_TARGET = `
  Base-Url Destination-Url Proxy-Url Request-Uri X-Accel-Redirect X-Base-Url X-Envoy-Original-Path
  X-Http-Destinationurl X-HTTP-Path-Override X-Invoke-Path X-Invoke-Query X-Matched-Path X-Middleware-Rewrite
  X-Now-Route-Matches X-Original-Path X-Original-Query X-Original-Uri X-Original-URL X-Override-URL X-Path-Info
  X-Proxy-Url X-Request-Uri X-Rewrite-Uri X-Rewrite-URL X-Script-Name X-Sendfile X-Uri X-Url
  X-Amz-Website-Redirect-Location
`
/** They claim another method or scheme, another way of answering, or a proxy for the origin's own requests. */
const OTHER_WAY = `
  Front-End-Https Fastly-SSL Proxy Ssl-Https WL-Proxy-SSL X-ARR-SSL X-Http-Method X-HTTP-Method-Override
  X-Http-Status-Code-Override X-Https X-Invoke-Status X-Method X-Method-Override X-Middleware-Invoke
  X-Middleware-Next X-Middleware-Prefetch X-Middleware-Skip X-Middleware-Subrequest X-Proto X-Scheme X-SSL X-Url-Scheme
  X-Wap-Profile X-Envoy-Upstream-Rq-Timeout-Ms
`
/** They claim another client or user. */
const OTHER_CLIENT = `
  CF-Connecting-IP CF-Connecting-IPv6 CF-IPCountry CF-Visitor CF-Worker Client-IP CloudFront-Forwarded-Proto
  CloudFront-Is-Mobile-Viewer CloudFront-Viewer-Country Fastly-Client-IP Incap-Client-IP Proxy-Client-IP Remote-Addr
  Remote-User SSL-Client-Cert SSL-Client-Verify True-Client-IP WL-Proxy-Client-IP X-Amzn-Oidc-Identity
  X-AppEngine-Country X-AppEngine-User-IP X-Authenticated-User X-Azure-ClientIP X-Azure-SocketIP X-Client-IP
  X-Cluster-Client-IP X-Envoy-External-Address X-Original-Forwarded-For X-Original-Remote-Addr X-Originally-Forwarded-For
  X-Originating-IP X-ProxyUser-IP X-Real-IP X-Remote-Addr X-Remote-IP X-Remote-User X-SSL-Client-Cert X-Sucuri-ClientIP
  X-True-Client-IP X-Vercel-Forwarded-For X-Vercel-IP-Country X-Forwarded-User X-Forwarded-Email
`
/** They concern one connection, describe absent content, or ask for an answer for one client. */
const NOT_FOR_OTHERS = `
  Content-Type Content-Encoding Content-Language Content-Location Content-Range Expect-Trailers
  HTTP2-Settings If-Match-None Keep-Alive Max-Forwards Proxy-Authenticate Proxy-Connection Te Trailer
`
  .split(/\s+/)
  .filter((name) => !['Expect-Trailers', 'If-Match-None'].includes(name))
  .join(' ')

const STEERING = [OTHER_HOST, OTHER_TARGET, OTHER_WAY, OTHER_CLIENT, NOT_FOR_OTHERS].join(' ').trim().split(/\s+/)

const STRICT = { host: 'strict.test' }

/** The answer is stored and served to the next client, so anything it reflects poisons the cache. */
const NAMES: readonly Attack[] = STEERING.flatMap((name) => [
  { id: 'P1', name, ...PASSED, send: get(`${name}: evil`) },
  { id: 'P1', name: `${name}, refused by the origin`, ...PASSED, victim: STRICT, send: strictly(`${name}: evil`) },
])

/** Names that a gateway interface such as CGI maps to the name of a removed field. */
const SPELLINGS: readonly Attack[] = [
  'x-FORWARDED-host',
  'X_Forwarded_Host',
  'X-Forwarded_Host',
  'X.Forwarded.Host',
  'X~Original!URL',
  'x_http_method_override',
  'Content_Type',
  'If_None_Match',
  'Proxy_Connection',
].map((name) => ({ id: 'P1', name: `spelled ${name}`, ...PASSED, victim: STRICT, send: strictly(`${name}: evil`) }))

const SEVERAL: readonly Attack[] = [
  { id: 'P1', name: 'Forwarded twice', ...PASSED, send: get('Forwarded: for=evil', 'Forwarded: host=evil') },
  {
    id: 'P1',
    name: 'Forwarded in the form of ours',
    ...PASSED,
    send: get('Forwarded: for=127.0.0.1;host=evil;proto=https'),
  },
  {
    id: 'P1',
    name: 'all of X-Forwarded',
    ...PASSED,
    send: get('X-Forwarded-For: evil', 'X-Forwarded-Host: evil', 'X-Forwarded-Proto: https'),
  },
  {
    id: 'P1',
    name: 'X-Forwarded-For of this machine',
    ...PASSED,
    send: get('X-Forwarded-For: 127.0.0.1', 'X-Real-IP: 127.0.0.1'),
  },
]

/** A variant is served only to clients that ask for it. */
const FRAMEWORKS: readonly Attack[] = [
  ['rsc', 'RSC: 1'],
  ['next-router-state-tree', 'Next-Router-State-Tree: evil'],
  ['next-router-prefetch', 'Next-Router-Prefetch: 1'],
  ['x-nextjs-data', 'x-nextjs-data: 1'],
  ['accept', 'Accept: text/x-component'],
  ['rsc,next-url', 'RSC: 1\r\nNext-Url: /evil'],
  ['x-inertia', 'X-Inertia: true'],
  ['accept-encoding', 'Accept-Encoding: x,;q='],
  ['accept-encoding', 'Accept-Encoding: gzip;q=evil, ,;q, "br'],
  ['__proto__', '__proto__: evil'],
  ['constructor', 'constructor: evil'],
  ['hasownproperty', 'hasOwnProperty: evil'],
].map(([vary, line = '']) => ({
  id: 'P3',
  name: `${line.replace('\r\n', ', ')} with Vary`,
  ...PASSED,
  origin: [`GET {path}?vary=${vary}`],
  victim: { path: `{path}?vary=${vary}` },
  send: request(`GET {path}?vary=${vary}`, line),
}))

/** An empty answer to a framework's own request is stored (in CVE-2025-49826 it was served to everyone). */
const EMPTY: Attack = {
  id: 'P3',
  name: 'RSC: 1, answered 204 with Vary',
  answers: [204],
  closed: false,
  origin: ['GET {path}?status=204&vary=rsc'],
  victim: { host: 'strict.test', path: '{path}?status=204&vary=rsc' },
  send: 'GET {path}?status=204&vary=rsc HTTP/1.1\r\nHost: strict.test\r\nRSC: 1\r\n\r\n',
}

const tracked = (sent: string, target: string, path: string): Attack => ({
  id: 'P5',
  name: `${sent} is ${target} to the origin`,
  ...PASSED,
  origin: [`GET ${target}`],
  victim: { host: 'tracked.test', path },
  send: `GET ${sent} HTTP/1.1\r\nHost: tracked.test\r\n\r\n`,
})

/** An ignored parameter is neither in the key nor sent to the origin, and nothing else is removed with it. */
const CLOAKED: readonly Attack[] = [
  tracked('{path}?utm_content=1', '{path}', '{path}'),
  tracked('{path}?utm_content=1;x=evil', '{path}', '{path}'),
  tracked('{path}?x=1&utm_content=1;x=evil', '{path}?x=1', '{path}?x=1'),
  tracked('{path}?x=1&utm_a=&y=2&utm_b', '{path}?x=1&y=2', '{path}?x=1&y=2'),
  tracked('{path}?x=1&x=evil', '{path}?x=1&x=evil', '{path}?x=1'),
  tracked('{path}?x=1%26utm_a=evil', '{path}?x=1%26utm_a=evil', '{path}?x=1'),
  tracked('{path}?x=1;utm_a=evil', '{path}?x=1;utm_a=evil', '{path}?x=1'),
  tracked('{path}?UTM_A=evil', '{path}?UTM_A=evil', '{path}'),
  tracked('{path}?%75tm_a=evil', '{path}?%75tm_a=evil', '{path}'),
  tracked('{path}?utm_a[]=evil', '{path}', '{path}'),
  tracked('{path}?x[]=evil', '{path}?x[]=evil', '{path}?x=evil'),
  tracked('{path}?_method=POST', '{path}?_method=POST', '{path}'),
]

const keyed = (name: string, ...fields: readonly string[]): Attack => ({
  id: 'P6',
  name,
  ...PASSED,
  victim: { host: 'keyed.test' },
  send: `GET {path} HTTP/1.1\r\nHost: keyed.test\r\n${fields.join('\r\n')}\r\n\r\n`,
})

/** One part of the key cannot be made to look like another. */
const INJECTED: readonly Attack[] = [
  keyed('a value', 'X-Tenant: evil'),
  keyed('an empty value', 'X-Tenant:'),
  keyed('what stands for none', 'X-Tenant: -'),
  keyed('a length of its own', 'X-Tenant: 0:'),
  keyed('two lines', 'X-Tenant: evil', 'X-Tenant: evil'),
  keyed('a member of the key', 'X-Tenant: -hx-tenant:-'),
  keyed('another spelling', 'x_tenant: evil', 'X-Tenant: evil'),
]

table('unkeyed', [...NAMES, ...SPELLINGS, ...SEVERAL, ...FRAMEWORKS, EMPTY, ...CLOAKED, ...INJECTED])
