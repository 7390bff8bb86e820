import { redactedPath } from '../../../src/logging/redacted-path.ts'
import { expand, maskBraces, restoreBraces } from '../../../src/config/variables.ts'
import { parseHost, parseNetworks, parseOriginUrl } from '../../../src/config/addresses.ts'
import { nearest } from '../../../src/config/nearest.ts'
import { purgeLine, requestLine } from '../../../src/logging/log-line.ts'
import { createPeers } from '../../../src/ports/peers.ts'
import { printable } from '../../../src/logging/printable.ts'
import { parseDuration, parseSize } from '../../../src/units.ts'
import { must, mustEqual, REQUEST_HEAD, type Target } from '../target.ts'

/** Text that people write in a configuration or read in a log. */
export const texts: Target = {
  name: 'texts',
  covers: [
    ['src/units.ts', 'src/config/addresses.ts', 'src/config/variables.ts', 'src/config/nearest.ts'],
    ['src/logging/log-line.ts', 'src/logging/printable.ts', 'src/logging/redacted-path.ts', 'src/ports/peers.ts'],
  ].flat(),
  dictionary: [
    [
      '250ms',
      '30s',
      '5m',
      '1h',
      '7d',
      '1.5',
      '512KiB',
      '256MiB',
      'B',
      '${A}',
      '$${',
      '${',
      '}',
      '$',
      '${A',
      '\xee\x80\x80',
    ],
    ['10.0.0.0/8', '::1/128', 'loopback', 'localhost', '[::1]', '127.0.0.1', '/', 'http://', 'https://a.test:8080/x/'],
    ['///', '\x1b[31m', '\xe2\x80\xae', '\xc2\x85', '?a=b&c', 'serve', '--config', '%', 'a.', '-', '_'],
  ].flat(),
  seeds: [
    ['1.5h', '256MiB', '10.0.0.0/8', '::ffff:1.2.3.4/96', 'http://a.test:8080/b/', 'a ${A} $${b} $$${A}'],
    ['http://a.test/x?token=1&b', '/admin\x1b[31m\xe2\x80\xae', 'logLevl', '[::1]', 'a_b.example.'],
  ].flat(),
  maxLength: REQUEST_HEAD,
  run,
}

function run(input: string): string {
  const text = Buffer.from(input, 'latin1').toString()
  return [units(text), places(text), variables(text), lines(text), nearest(text, ['serve', 'check', 'schema'])].join()
}

function units(text: string): string {
  const [ms, bytes] = [parseDuration(text), parseSize(text)]
  must('a duration is not negative', ms === undefined || ms >= 0, ms)
  must('a size is not negative', bytes === undefined || bytes >= 0, bytes)
  if (ms !== undefined && ms < Number.MAX_SAFE_INTEGER)
    mustEqual('milliseconds read again', parseDuration(`${ms}ms`), ms)
  if (bytes !== undefined && bytes < Number.MAX_SAFE_INTEGER)
    mustEqual('bytes read again', parseSize(`${bytes}`), bytes)
  return `${ms !== undefined}${bytes !== undefined}`
}

function places(text: string): string {
  const host = parseHost(text)
  if (host !== undefined) mustEqual('a host read again is the same', parseHost(host), host)
  const networks = parseNetworks(text)
  if (networks !== undefined) createPeers(networks)
  const url = parseOriginUrl(text)
  if (url !== undefined) {
    const { username, password, search, hash, pathname, protocol } = new URL(url)
    mustEqual('an origin URL read again is the same', parseOriginUrl(url), url)
    must('an origin URL is scheme, authority and path', username + password + search + hash === '', url)
    must('an origin URL ends without a slash', !url.endsWith('/') && pathname.startsWith('/'), url)
    must('an origin is asked by http or https', protocol === 'http:' || protocol === 'https:', url)
  }
  return `${host !== undefined}${networks?.length ?? 0}${url !== undefined}`
}

function variables(text: string): string {
  if (/[\uE000\uE001]/.test(text)) return 'private use'
  const masked = maskBraces(text)
  must('masking keeps positions', masked.length === text.length, masked)
  mustEqual('restored it is the same', restoreBraces(masked), text)
  const { text: expanded, problems } = expand(masked, { A: 'value' })
  must('no mask is left over', problems.length > 0 || !/[\uE000\uE001]/.test(expanded), expanded)
  must('without a dollar sign nothing happens', text.includes('$') || expanded === text, expanded)
  return `${Math.min(problems.length, 2)}${expanded !== text}`
}

// oxlint-disable-next-line no-control-regex -- none may be there
const STEERING = /[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/

function lines(text: string): string {
  const shown = printable(text, 80)
  must('what is shown steers no terminal', !STEERING.test(shown), shown)
  must('what is shown is short', shown.length <= 81 * 6, shown)
  const path = redactedPath(`http://a.test/${text}`)
  const query = text.slice(text.indexOf('?') + 1)
  const values = [...(text.includes('?') ? `&${query}` : '').matchAll(/(?<=&)[^=&]*=([a-z]{8,})(?=&|$)/g)].map(
    ([, value = '']) => value,
  )
  must(
    'values of a query are not logged',
    values.every((value) => !path.slice(path.indexOf('?')).includes(`=${value}`)),
    path,
  )
  const event = {
    route: 'r',
    method: text,
    url: '',
    status: 200,
    bytes: 0,
    firstByteMs: 1,
    totalMs: 1,
    aborted: false,
    outcome: { result: 'miss', fwd: 'miss', stored: true, ttlMs: 1 } as const,
    peer: undefined,
    head: { fields: [] },
  }
  const request = requestLine(event, path, false)
  const selectors = { tags: [text], urls: [text, text, text, text] }
  const purge = { mode: 'purge' as const, selectors, outcome: 'done' as const, receipt: undefined, tookMs: 1, by: text }
  must('a line of the log is one line', !STEERING.test(request + purgeLine(purge, false)), request)
  return `${path.length > 20}`
}
