/**
 * Web cache deception: a victim follows a link to a personal page whose path looks like a file's, and the attacker then
 * requests the same URL. The origin ignores the ending and states no lifetime; a rule gives one to all paths below
 * `/static/`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { listen } from '../support/raw-origin.ts'
import { RawClient, type RawResponse } from './client.ts'

const PATHS = [
  '/account/x.css',
  '/account/.css',
  '/account;x.css',
  '/account%3bx.css',
  '/account%00x.css',
  '/account%0ax.css',
  '/account%23x.css',
  '/account%3fx.css',
  '/account?x.css',
  '/account/%2e%2e/static/a.js',
  '/account/../static/a.js',
  '/account\\..\\x.js',
  '/robots.txt/..%2faccount',
  '/static/account',
  '/static/../account',
  '/static/..%2faccount',
  '/static/..%2Faccount',
  '/static/..%5caccount',
  '/static/%2e%2e/account',
  '/static/%2e%2e%2faccount',
  '/static/..;/account',
  '/static//../account',
  '/static/account.css?x.js',
  '//static/account',
  '/%73tatic/account',
  '/STATIC/account',
]

const API_KEY = 'X-Api-Key: alice'
const CREDENTIALS = [
  'Cookie: session=alice',
  'Authorization: Bearer alice',
  'Proxy-Authorization: Basic alice',
  API_KEY,
]

let server: Server
let herdgate: Herdgate
let directory: string
const targets: string[] = []

beforeAll(async () => {
  server = createServer(({ url = '', headers }, response) => {
    targets.push(url)
    const who = [headers.cookie, headers.authorization, headers['proxy-authorization'], headers['x-api-key']].join(' ')
    response.setHeader('Content-Type', 'text/html')
    if (url.includes('welcome')) response.setHeader('Set-Cookie', 'sid=alice')
    response.end(`the account of ${/alice/.exec(who)?.[0] ?? 'nobody'}`)
  })
  const origin = `http://127.0.0.1:${await listen(server)}`
  directory = await mkdtemp(join(tmpdir(), 'deception-'))
  const file = join(directory, 'herdgate.yaml')
  await writeFile(
    file,
    `version: 1
origins: { main: { urls: ["${origin}"] } }
routes:
  - { name: anonymous, match: { host: anonymous.test, path: "/static/*" }, origin: main, ttl: 60s, cookies: ignore }
  - { name: forced, match: { host: forced.test, path: "/static/*" }, origin: main, ttl: 60s, override: true }
  - { name: static, match: { path: "/static/*" }, origin: main, ttl: 60s }
  - { name: main, origin: main }
`,
  )
  herdgate = await startHerdgate(['--config', file, '--log-level', 'silent'])
})
afterAll(async () => {
  await herdgate.stop()
  server.closeAllConnections()
  server.close()
  await rm(directory, { recursive: true })
})

async function ask(host: string, target: string, fields: readonly string[] = []): Promise<RawResponse> {
  using client = await RawClient.connect(Number(new URL(herdgate.url).port))
  client.send(`${[`GET ${target} HTTP/1.1`, `Host: ${host}`, ...fields].join('\r\n')}\r\n\r\n`)
  const { responses } = await client.receive(1)
  return responses[0] ?? { status: 0, head: '', body: '' }
}

describe.each(['a.test', 'forced.test', 'anonymous.test'])('%s', (host) => {
  // Where a route overrides responses, API keys are its operator's concern.
  const withheld = CREDENTIALS.filter((line) => host !== 'forced.test' || line !== API_KEY)
  describe.each(withheld)('an answer for %s', (line) => {
    test.each(PATHS)('%s is not served to a client without these credentials', async (path) => {
      const target = `${path}${path.includes('?') ? '&' : '?'}${host}-${CREDENTIALS.indexOf(line)}`
      const before = targets.length
      await ask(host, target, [line])
      const stranger = await ask(host, target)
      expect(stranger.status).toBe(200)
      expect(stranger.body).toBe('the account of nobody')
      expect(new Set(targets.slice(before))).toEqual(new Set([target])) // rules match the path that is forwarded
      expect(herdgate.child.exitCode).toBeNull()
    })
  })
})

test.each(['/static/welcome', '/static/..%2fwelcome', '/welcome.css'])(
  'a cookie that comes with %s is for who asked',
  async (target) => {
    const before = targets.length
    for (let round = 0; round < 3; round++) {
      expect(await ask('forced.test', target)).toMatchObject({ status: 200, head: expect.stringMatching(/; fwd=/) })
    }
    expect(targets.slice(before)).toEqual([target, target, target])
  },
)

test('what looks like a file is not stored without a stated lifetime, but a response the rule is meant for is', async () => {
  for (const [target, isKept] of [
    ['/style.css', false],
    ['/a/b.png', false],
    ['/static/style.css', true],
    ['/static/page', true],
  ] as const) {
    await ask('a.test', target)
    expect((await ask('a.test', target)).head).toMatch(isKept ? /herdgate; hit/ : /herdgate; fwd=/)
  }
})
