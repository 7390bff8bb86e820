/**
 * The hostile table: rows of octets, sent over a socket to a Herdgate in a process of its own. Each row checks four
 * things: what the client got, and whether its connection was closed; which requests the origins saw, and that each was
 * unambiguous; that the next plain request for the same URL, on another connection, gets the plain answer; and that the
 * process lives.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fieldLines, lines } from '../../src/fields.ts'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { RawClient, type RawResponse } from './client.ts'
import { type HostileOrigin, type Seen, startEcho, startStrict } from './origins.ts'

export interface Attack {
  /** Identifies the class of attacks. */
  readonly id: string
  readonly name: string
  /**
   * One character per octet. `{path}` stands for a path unique to the row. Host `a.test` is the origin that reflects
   * requests, host `strict.test` the one that rejects unusual ones.
   */
  readonly send: string
  /** Expected statuses of the answers. */
  readonly answers: readonly number[]
  /** Is the connection closed after the last answer? If not, it must be usable for another request. */
  readonly closed: boolean
  /** Requests that reached an origin completely, as `METHOD target`. */
  readonly origin: readonly string[]
  /** They may be forwarded in parallel (RFC 9112 section 9.3.2). */
  readonly inParallel?: boolean
  /** Part of an upload may reach the origin before it proves malformed. */
  readonly breaksOff?: boolean
  /** The answers are to HEAD. */
  readonly bodiless?: boolean
  /** It is incomplete, so nothing may follow it. */
  readonly last?: boolean
  /** The URL that the attack targets: `{path}` of a.test by default. */
  readonly victim?: { readonly path?: string; readonly host?: string }
  /** More checks of the answers and of what the origins saw. */
  readonly also?: (answers: readonly RawResponse[], seen: readonly Seen[]) => void
}

/** A request with a Host field and these field lines. */
export const request = (line: string, ...fields: readonly string[]): string =>
  `${[`${line} HTTP/1.1`, 'Host: a.test', ...fields].join('\r\n')}\r\n\r\n`

export const get = (...fields: readonly string[]): string => request('GET {path}', ...fields)

/** A GET to the origin that rejects unusual requests. */
export const strictly = (...fields: readonly string[]): string =>
  `${['GET {path} HTTP/1.1', 'Host: strict.test', ...fields].join('\r\n')}\r\n\r\n`

/** Answered with 400 and the connection closed; no origin sees it. */
export const REFUSED = { answers: [400], closed: true, origin: [] } as const
/** Answered by the origin, which got exactly what the client asked for. */
export const PASSED = { answers: [200], closed: false, origin: ['GET {path}'] } as const

/** Creates a configuration file from the origins' URLs. */
type Config = (urls: { readonly echo: string; readonly strict: string }) => string

/** `brief.test` is strict.test with `errorTtlMax: 0s`. */
const CONFIG: Config = ({ echo, strict }) => `version: 1
origins: { echo: { urls: ["${echo}"] }, strict: { urls: ["${strict}"] } }
routes:
  - { name: strict, match: { host: strict.test }, origin: strict }
  - { name: brief, match: { host: brief.test }, origin: strict, errorTtlMax: 0s }
  - { name: tracked, match: { host: tracked.test }, origin: echo, key: { query: { ignore: ["utm_*"] } } }
  - { name: keyed, match: { host: keyed.test }, origin: echo, key: { headers: [x-tenant] } }
  - { name: port, match: { host: "a.test:8080" }, origin: echo }
  - { name: echo, match: { host: a.test }, origin: echo }
`

/** Runs the rows against one process. */
export function table(title: string, rows: readonly Attack[], config: Config = CONFIG): void {
  describe(title, () => {
    let world: World
    beforeAll(async () => {
      world = await start(config, new Set(rows.map(hostOfVictim)))
    })
    afterAll(async () => world.stop())

    const numbered = rows.map((row, number) => ({ ...row, path: `/row-${number}`, label: `${row.id} ${row.name}` }))
    test.for(numbered)('$label', async (row) => {
      const here = (text: string) => text.replaceAll('{path}', row.path)
      const before = world.seen.length
      const answers = await attack(world.port, row, here)
      const reached = world.seen.slice(before)
      const lines = (wanted: boolean) => reached.filter(({ whole }) => whole === wanted).map(lineOf)
      const inOrder = (texts: readonly string[]) => (row.inParallel === true ? texts.toSorted() : texts)
      const expected = [...row.origin.map(here), ...(isOpen(row) ? [`GET ${AFTER_TARGET}`] : [])]
      expect(inOrder(lines(true))).toEqual(inOrder(expected))
      if (row.breaksOff !== true) expect(lines(false)).toEqual([])
      row.also?.(answers, reached)
      await expectClean(world, hostOfVictim(row), here(row.victim?.path ?? '{path}'), row.breaksOff)
      expect(world.herdgate.child.exitCode).toBeNull()
    })

    test('no origin ever received an ambiguous message', () => {
      expect(world.malformed()).toEqual([])
      world.seen.forEach(expectUnmistakable)
    })

    test('every log line is one JSON object', () => {
      for (const line of world.herdgate.lines) expect(JSON.parse(line)).toMatchObject({ time: expect.anything() })
    })
  })
}

const hostOfVictim = ({ victim }: Attack): string => victim?.host ?? 'a.test'
const isOpen = ({ closed, last }: Attack): boolean => !closed && last !== true
const lineOf = ({ method, target }: Seen): string => `${method} ${target}`

interface World {
  readonly herdgate: Herdgate
  readonly port: number
  /** By host, the answer to a plain request. */
  readonly plain: ReadonlyMap<string, string>
  /** Every request that reached an origin. */
  readonly seen: readonly Seen[]
  malformed(): string[]
  stop(): Promise<void>
}

async function start(config: Config, hosts: ReadonlySet<string>): Promise<World> {
  const seen: Seen[] = []
  const origins: readonly HostileOrigin[] = await Promise.all([startEcho(seen), startStrict(seen)])
  const [echo = '', strict = ''] = origins.map(({ url }) => url)
  const directory = await mkdtemp(join(tmpdir(), 'hostile-'))
  const file = join(directory, 'herdgate.yaml')
  await writeFile(file, config({ echo, strict }))
  const herdgate = await startHerdgate(['--config', file])
  const port = Number(new URL(herdgate.url).port)
  const plain = new Map<string, string>()
  for (const host of hosts) plain.set(host, (await ask(port, host, '/plain')).body)
  return {
    herdgate,
    port,
    plain,
    seen,
    malformed: () => origins.flatMap(({ malformed }) => malformed),
    async stop() {
      await herdgate.stop()
      await Promise.all(origins.map((origin) => origin.close()))
      await rm(directory, { recursive: true })
    },
  }
}

/** Sends a row, then another request on the same connection, which must be answered only if it is unambiguous. */
async function attack(port: number, row: Attack, here: (text: string) => string): Promise<readonly RawResponse[]> {
  using client = await RawClient.connect(port, row.bodiless)
  const wanted = row.answers.length
  client.send(here(row.send) + (row.closed && row.last !== true ? AFTER : ''))
  const received = await client.receive(row.closed ? wanted + 1 : wanted)
  expect(received).toMatchObject({ closed: row.closed, rest: '' })
  expect(received.responses.map(({ status }) => status)).toEqual(row.answers)
  received.responses.forEach(expectNoReflection)
  if (!isOpen(row)) return received.responses
  client.send(AFTER)
  const { responses } = await client.receive(wanted + 1)
  expect(responses.slice(wanted).map(({ status }) => status)).toEqual([200])
  return received.responses
}

/** The request sent after each attack, with its own URL. */
const AFTER_TARGET = '/after'
const AFTER = `GET ${AFTER_TARGET} HTTP/1.1\r\nHost: a.test\r\nCache-Control: no-store\r\n\r\n`

/** A plain request gets the plain answer, and the origin sees that one request or, on a hit, none. */
async function expectClean(world: World, host: string, path: string, breaksOff = false): Promise<void> {
  const before = world.seen.length
  const answer = await ask(world.port, host, path)
  expect(answer.status).toBe(200)
  expect(answer.head).not.toMatch(/evil|set-cookie/i)
  const plain = world.plain.get(host) ?? ''
  if (plain.startsWith('clean')) expect(answer.body).toBe(`clean ${path}`)
  else expect(JSON.parse(answer.body)).toEqual({ ...JSON.parse(plain), target: path })
  const isHit = /^cache-status: herdgate; hit/im.test(answer.head)
  const seen = world.seen.slice(before).filter(({ whole }) => whole || !breaksOff)
  expect(seen.map(lineOf)).toEqual(isHit ? [] : [`GET ${path}`])
}

async function ask(port: number, host: string, path: string): Promise<RawResponse> {
  using client = await RawClient.connect(port)
  client.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const { responses } = await client.receive(1)
  return responses[0] ?? { status: 0, head: '', body: '' }
}

/** Herdgate's own errors reflect nothing, contain no address, and must not be stored. */
function expectNoReflection({ head, body }: RawResponse): void {
  if (!/^content-type: application\/problem\+json$/im.test(head)) return
  expect(head).toMatch(/^cache-control: no-store$/im)
  expect(head + body).not.toMatch(/evil|row-|127\.0\.0\.1/)
}

/** One Host, one framing, and no name or value that some parser might misread. */
function expectUnmistakable({ fields }: Seen): void {
  const named = (name: string) => fieldLines(fields, name)
  expect(named('host')).toHaveLength(1)
  const framing = [...named('content-length'), ...named('transfer-encoding'), ...named('transfer_encoding')]
  expect(framing.join()).toMatch(/^(?:0|[1-9]\d*|chunked)?$/)
  for (const [name, value] of lines(fields)) {
    expect(name).toMatch(/^[!#$%&'*+\-.^_`|~0-9a-z]+$/)
    expect(value).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/)
  }
}
