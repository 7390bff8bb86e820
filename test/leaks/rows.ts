/** Answers to Alice that are not for everyone. */
import type { Mode } from './shop.ts'

/**
 * apart: no other client ever gets any of it. checked: others get it only if the origin was asked in the meantime.
 * expired: the same, or where stale responses may be served. shared: the origin permits sharing.
 */
export type Reuse = 'apart' | 'checked' | 'expired' | 'shared'

export interface Row {
  readonly name: string
  /** The route of its requests, if it matters. */
  readonly route?: 'ttl' | 'override'
  /** Request field lines that identify a user. */
  readonly credentials?: (user: string) => string[]
  /** Field lines of the answer to this user. */
  readonly answer: (user: string) => string[]
  readonly reuse: Readonly<Record<Mode, Reuse>>
}

const APART: Row['reuse'] = { safe: 'apart', rfc: 'apart' }
const CHECKED: Row['reuse'] = { safe: 'checked', rfc: 'checked' }
const EXPIRED: Row['reuse'] = { safe: 'expired', rfc: 'expired' }
const SHARED: Row['reuse'] = { safe: 'shared', rfc: 'shared' }
/** RFC 9111 section 7.3: cookies do not prevent sharing. */
const BY_COOKIE: Row['reuse'] = { safe: 'apart', rfc: 'shared' }

const cookie = (user: string) => [`Cookie: session=${user}`]
const authorization = (user: string) => [`Authorization: Bearer ${user}`]
const proxyAuthorization = (user: string) => [`Proxy-Authorization: Basic ${user}`]
const apiKey = (user: string) => [`X-Api-Key: ${user}`]
const setCookie = (user: string) => `Set-Cookie: sid=${user}`
const control = (value: string) => `Cache-Control: ${value}`
const FOR_A_MINUTE = control('max-age=60')

/** An answer for everyone: it reaches a stranger in every way, which shows that every way could leak. */
export const PUBLIC: Row = { name: 'nothing', answer: () => [FOR_A_MINUTE], reuse: SHARED }

const byCredentials: Row[] = [
  { name: 'Cookie', credentials: cookie, answer: () => [FOR_A_MINUTE], reuse: BY_COOKIE },
  { name: 'Cookie and Expires', credentials: cookie, answer: () => [in1Hour()], reuse: BY_COOKIE },
  { name: 'Authorization', credentials: authorization, answer: () => [FOR_A_MINUTE], reuse: APART },
  { name: 'Authorization and Expires', credentials: authorization, answer: () => [in1Hour()], reuse: APART },
  { name: 'Proxy-Authorization', credentials: proxyAuthorization, answer: () => [FOR_A_MINUTE], reuse: APART },
]

const bySetCookie: Row[] = [
  { name: 'Set-Cookie', answer: (user) => [FOR_A_MINUTE, setCookie(user)], reuse: BY_COOKIE },
  {
    name: 'Set-Cookie and public',
    answer: (user) => [control('public, s-maxage=60'), setCookie(user)],
    reuse: BY_COOKIE,
  },
  {
    name: 'Set-Cookie named by Connection',
    answer: (user) => [FOR_A_MINUTE, 'Connection: set-cookie', setCookie(user)],
    reuse: BY_COOKIE,
  },
]

/** If only the operator has stated a lifetime, the origin has not agreed to share what it answered to credentials. */
const byOperator: Row[] = (['ttl', 'override'] as const).flatMap((route) => [
  { name: `Cookie (${route})`, route, credentials: cookie, answer: () => [], reuse: BY_COOKIE },
  {
    name: `Cookie and public (${route})`,
    route,
    credentials: cookie,
    answer: () => [control('public')],
    reuse: BY_COOKIE,
  },
  { name: `Authorization (${route})`, route, credentials: authorization, answer: () => [], reuse: APART },
  {
    name: `Authorization and public (${route})`,
    route,
    credentials: authorization,
    answer: () => [control('public')],
    reuse: APART,
  },
  {
    name: `X-Api-Key (${route})`,
    route,
    credentials: apiKey,
    answer: () => [],
    reuse: route === 'ttl' ? APART : SHARED,
  },
  { name: `Set-Cookie (${route})`, route, answer: (user) => [setCookie(user)], reuse: BY_COOKIE },
  { name: `private (${route})`, route, answer: () => [control('private')], reuse: APART },
])

const PRIVATE = [
  'private, max-age=60',
  'PRIVATE, max-age=60',
  'max-age=60;private',
  'private="x", max-age=60',
  'public, max-age=60, private=""',
  'public, max-age=60, private=","',
  'public, max-age=60, private="   "',
  'private, private="hdr", max-age=60',
  'max-age=60, private = "x"',
  'max-age=60, private=" authorization"',
  'max-age=60, private="x',
  'max-age=60, x="private, y',
  'private, must-understand, max-age=60',
  'max-age=60, must-understand, private="x',
  'no-store, max-age=60',
  'NO-STORE, max-age=60',
  'max-age=60;no-store',
  'max-age=60, no-store=1',
  'max-age=60, no-store=""',
  `${'x, '.repeat(1000)}no-store, max-age=60`,
]

const byControl: Row[] = [
  ...PRIVATE.map((value) => ({ name: short(value), answer: () => [control(value)], reuse: APART })),
  { name: 'no-store and max-age on two lines', answer: () => [control('no-store'), FOR_A_MINUTE], reuse: APART },
  { name: 'max-age and private on two lines', answer: () => [FOR_A_MINUTE, control('private')], reuse: APART },
  {
    name: 'private named by Connection, and Expires',
    answer: () => ['Connection: cache-control', control('private'), in1Hour()],
    reuse: APART,
  },
  { name: 'CDN-Cache-Control: private', answer: () => [FOR_A_MINUTE, 'CDN-Cache-Control: private'], reuse: APART },
  { name: 'CDN-Cache-Control: no-store', answer: () => [FOR_A_MINUTE, 'CDN-Cache-Control: no-store'], reuse: APART },
  {
    name: 'malformed CDN-Cache-Control, and private',
    answer: () => ['CDN-Cache-Control: max-age=60, &', control('private, max-age=60')],
    reuse: APART,
  },
]

const NOT_FRESH = ['public, max-age=0, max-age=600', 'public, max-age=-1', 'public, max-age="60', 'public, max-age= 60']

const TO_BE_CHECKED = [
  'public, max-age=600, s-maxage=abc',
  'public, max-age=600, s-maxage=-1',
  'public, max-age=9223372036854775808, s-maxage=-9223372036854775808',
  'public, no-cache, max-age=60',
  'public, max-age=60, no-cache = "set-cookie"',
  'public, max-age=60, no-cache="\tauthorization"',
  'public, max-age=60, no-cache=authorization\t',
]

/** Not private, but a malformed lifetime counts as none, and every form of no-cache counts. */
const byLifetime: Row[] = [
  ...NOT_FRESH.map((value) => ({ name: short(value), answer: () => [control(value)], reuse: EXPIRED })),
  ...TO_BE_CHECKED.map((value) => ({ name: short(value), answer: () => [control(value)], reuse: CHECKED })),
  {
    name: 'no-cache="Set-Cookie" with Set-Cookie',
    answer: (user) => [control('max-age=60, no-cache="Set-Cookie"'), setCookie(user)],
    reuse: { safe: 'apart', rfc: 'checked' },
  },
]

const byVary: Row[] = [
  { name: 'Vary: *', answer: () => [FOR_A_MINUTE, 'Vary: *'], reuse: APART },
  { name: 'Vary: x, *', answer: () => [FOR_A_MINUTE, 'Vary: x', 'Vary: *'], reuse: APART },
  {
    name: 'Vary: Cookie',
    credentials: cookie,
    answer: () => [control('public, max-age=60'), 'Vary: Cookie'],
    reuse: APART,
  },
  {
    name: 'Vary: Authorization',
    credentials: authorization,
    answer: () => [control('public, max-age=60'), 'Vary: Authorization'],
    reuse: APART,
  },
  {
    name: 'Vary: X-Api-Key (ttl)',
    route: 'ttl',
    credentials: apiKey,
    answer: () => ['Vary: X-Api-Key'],
    reuse: APART,
  },
  {
    name: 'Vary named by Connection',
    credentials: cookie,
    answer: () => [control('public, max-age=60'), 'Connection: vary', 'Vary: Cookie'],
    reuse: APART,
  },
]

/** The origin has declared these shareable, whoever asked: its decision, not Herdgate's. */
export const CONSENTED: readonly Row[] = [
  { name: 'Cookie and public', credentials: cookie, answer: () => [control('public, max-age=60')], reuse: SHARED },
  { name: 'Cookie and s-maxage', credentials: cookie, answer: () => [control('s-maxage=60')], reuse: SHARED },
  {
    name: 'Cookie and a targeted lifetime',
    credentials: cookie,
    answer: () => ['CDN-Cache-Control: max-age=60'],
    reuse: SHARED,
  },
  {
    name: 'Authorization and public',
    credentials: authorization,
    answer: () => [control('public, max-age=60')],
    reuse: SHARED,
  },
  {
    name: 'Authorization and s-maxage',
    credentials: authorization,
    answer: () => [control('s-maxage=60')],
    reuse: SHARED,
  },
  {
    name: 'Authorization and must-revalidate',
    credentials: authorization,
    answer: () => [control('max-age=60, must-revalidate')],
    reuse: SHARED,
  },
]

export const ROWS: readonly Row[] = [
  ...byCredentials,
  ...bySetCookie,
  ...byOperator,
  ...byControl,
  ...byLifetime,
  ...byVary,
]

function in1Hour(): string {
  return `Expires: ${new Date(Date.now() + 3_600_000).toUTCString()}`
}

function short(value: string): string {
  return value.length > 60 ? `${value.slice(0, 10)}... ${value.slice(-30)}` : value.replaceAll('\t', '\\t')
}
