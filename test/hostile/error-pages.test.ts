/**
 * Herdgate's own errors (docs/security.md, "What is logged"): they name no origin, reflect nothing of the request, and
 * must not be stored.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MAX_FIELDS } from '../../src/policy/head.ts'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { deadPort, type RawOrigin, rawOrigin } from '../support/raw-origin.ts'
import { RawClient } from './client.ts'

const INPUT = '<script>evil</script>'
const TARGET = `/${encodeURIComponent(INPUT)}/${INPUT}?evil=${INPUT}`
const EVIL = ['User-Agent: evil', 'Referer: http://evil/', 'X-Request-Id: evil', 'Cookie: evil=1', 'Accept: text/html']

const asked = (host: string, line: string, ...fields: readonly string[]): string =>
  `${[`${line} HTTP/1.1`, `Host: ${host}`, ...EVIL, ...fields].join('\r\n')}\r\n\r\n`

let silent: RawOrigin
let herdgate: Herdgate
let directory: string

beforeAll(async () => {
  silent = await rawOrigin(({ head, socket }) => {
    if (head.includes('evil-head')) socket.write('HTTP/1.1 200 evil\r\nno colon: \0evil\r\n\r\n')
  })
  directory = await mkdtemp(join(tmpdir(), 'errors-'))
  const file = join(directory, 'herdgate.yaml')
  await writeFile(
    file,
    `version: 1
limits: { maxWaiting: 1 }
origins:
  dead: { urls: ["http://127.0.0.1:${await deadPort()}"] }
  nameless: { urls: ["http://secret-name.invalid:8123"] }
  silent: { urls: ["${silent.url}"], headersTimeout: 500ms }
  other: { urls: ["${silent.url}"] }
  held: { urls: ["${silent.url}"] }
routes:
  - { name: dead, match: { host: dead.test }, origin: dead }
  - { name: nameless, match: { host: nameless.test }, origin: nameless }
  - { name: silent, match: { host: silent.test }, origin: silent }
  - { name: other, match: { host: other.test }, origin: other }
  - { name: held, match: { host: held.test }, origin: held }
`,
  )
  herdgate = await startHerdgate(['--config', file])
})
afterAll(async () => {
  await silent.close() // first, as shutdown waits for pending answers
  await herdgate.stop()
  await rm(directory, { recursive: true })
})

const connected = (): Promise<RawClient> => RawClient.connect(Number(new URL(herdgate.url).port))

/** With Host one more than a head may have. */
const FIELDS = Array.from({ length: MAX_FIELDS }, () => 'X-Evil: evil')

const ROWS: readonly (readonly [number, string, string])[] = [
  [502, 'an origin where nobody listens', asked('dead.test', `GET ${TARGET}`)],
  [502, 'an origin with a name that nobody has', asked('nameless.test', `GET ${TARGET}`)],
  [502, 'an origin that sends something other than HTTP', asked('other.test', `GET /evil-head${TARGET}`)],
  [502, 'an upload that nobody takes', `${asked('dead.test', `POST ${TARGET}`, 'Content-Length: 4')}evil`],
  [502, 'a tunnel that nobody opens', asked('dead.test', `GET ${TARGET}`, 'Connection: upgrade', 'Upgrade: websocket')],
  [504, 'an origin that does not answer', asked('silent.test', `GET ${TARGET}`)],
  [
    504,
    'only-if-cached with a condition for the origin',
    asked('dead.test', `GET ${TARGET}`, 'Cache-Control: only-if-cached', 'If-Match: "evil"'),
  ],
  [
    504,
    'only-if-cached with content',
    `${asked('dead.test', `GET ${TARGET}`, 'Cache-Control: only-if-cached', 'Content-Length: 4')}evil`,
  ],
  [504, 'only-if-cached', asked('dead.test', `GET ${TARGET}`, 'Cache-Control: only-if-cached')],
  [421, 'a host that is not served', asked('evil.test', `GET ${TARGET}`)],
  [508, 'a loop', asked('dead.test', `GET ${TARGET}`, 'Via: 1.1 herdgate')],
  [400, 'a malformed field', asked('dead.test', `GET ${TARGET}`, 'evil')],
  [400, 'a forbidden connection option', asked('dead.test', `GET ${TARGET}`, 'Connection: Host')],
  [400, 'an invalid host', asked('evil test', `GET ${TARGET}`)],
  [400, 'an invalid method', asked('dead.test', `EVIL ${TARGET}`)],
  [405, 'CONNECT', asked('evil:443', 'CONNECT evil:443')],
  [417, 'an expectation', asked('dead.test', `POST ${TARGET}`, 'Expect: evil', 'Content-Length: 0')],
  [431, 'a head too large', asked('dead.test', `GET ${TARGET}`, `X: ${'evil'.repeat(8_000)}`)],
  [431, 'too many fields', asked('dead.test', `GET ${TARGET}`, ...FIELDS)],
  [431, 'far too many fields', asked('dead.test', `GET ${TARGET}`, ...FIELDS, ...FIELDS)],
  [505, 'another version', `GET ${TARGET} HTTP/2.0\r\nHost: dead.test\r\n\r\n`],
]

test.each(ROWS)('%d for %s', async (status, _what, sent) => {
  using client = await connected()
  client.send(sent)
  const { responses, text } = await client.receive(1)
  expect(responses[0]?.status).toBe(status)
  expectOurs(text)
})

test('503 when overloaded', async () => {
  using held = await connected()
  held.send(asked('held.test', 'GET /held'))
  await expect.poll(() => silent.requests.some(({ head }) => head.startsWith('GET /held '))).toBe(true)
  using client = await connected()
  client.send(asked('held.test', `GET ${TARGET}`))
  const { responses, text } = await client.receive(1)
  expect(responses[0]?.status).toBe(503)
  expect(text).toMatch(/^retry-after: \d+$/im)
  expectOurs(text)
})

test('each of them is logged as one line with one JSON object', () => {
  for (const line of herdgate.lines) expect(() => JSON.parse(line) as unknown).not.toThrow()
})

function expectOurs(text: string): void {
  expect(text).toMatch(/^content-type: application\/problem\+json$/im)
  expect(text).toMatch(/^cache-control: no-store$/im)
  expect(text).not.toMatch(/evil|script|127\.0\.0\.1|secret|invalid:|ECONN|ENOTFOUND|node_modules|\.ts:|fastify/i)
  expect(herdgate.child.exitCode).toBeNull()
}
