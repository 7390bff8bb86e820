import type { IncomingMessage, ServerResponse } from 'node:http'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startHerdgate } from '../support/herdgate.ts'
import { type Origin, startOrigin } from '../support/http.ts'
import { gate } from '../support/waiting.ts'
import { type Asking, wire } from './wire.ts'

export type Mode = 'safe' | 'rfc'
export type Script = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

/** An origin that tells its users apart, and a Herdgate in front of it. */
export interface Shop extends AsyncDisposable {
  /** The origin's answers at this path, until the next call. */
  serves(path: string, script: Script): void
  /** What comes back over the wire. */
  ask(...requests: readonly Asking[]): Promise<string>
  /** Has Herdgate dealt with all that was sent to it before on the connections `askThen` and `ask` use? */
  settled(): Promise<void>
  /** Asks, and waits until Herdgate has taken the request; the answer may take longer. */
  asked(request: Asking): Promise<{ readonly answer: Promise<string> }>
  /** From now on what is held for the path must be checked; it may still stand in for a failing origin. */
  invalidate(path: string): Promise<void>
  explain(path: string, fields: readonly string[]): Promise<string>
}

/** The routes of the table, each a first segment of the path. */
const ROUTES = {
  plain: '',
  ttl: 'ttl: 60s',
  override: 'ttl: 60s, override: true',
  soft: 'softTimeout: 10ms',
  ahead: 'refreshAhead: 0.001',
}

export async function openShop(mode: Mode): Promise<Shop> {
  const scripts = new Map<string, Script>()
  const probes = new Map<string, () => void>()
  const origin = await startOrigin((request, response) => {
    const path = request.url ?? ''
    probes.get(path)?.()
    const script = scripts.get(path) ?? ((_, unscripted) => send(unscripted, 200, ['Cache-Control: no-store'], ''))
    request.resume()
    void script(request, response)
  })
  const folder = await mkdtemp(join(tmpdir(), 'leaks-'))
  const file = join(folder, 'herdgate.yaml')
  await writeFile(file, configuration(mode, origin))
  const herdgate = await startHerdgate(['--config', file, '--log-level', 'error'])
  let probed = 0

  const probe = () => {
    const path = `/plain/probe/${++probed}`
    const { open, opened } = gate()
    probes.set(path, open)
    return { path, opened }
  }

  return {
    serves: (path, script) => void scripts.set(path, script),
    ask: (...requests) => wire(herdgate.url, ...requests),
    async settled() {
      // What the origin sent before it answered this has arrived before this, and is dealt with before the second.
      await wire(herdgate.url, { path: probe().path })
      await wire(herdgate.url, { path: probe().path })
    },
    async asked(request) {
      const { path, opened } = probe()
      const answer = wire(herdgate.url, request, { path })
      await opened
      return { answer }
    },
    async invalidate(path) {
      const { status } = await herdgate.ask('/v1/invalidate', { urls: [`http://shop.test${path}`] })
      if (status !== 200) throw new Error(`the invalidation was answered ${status}`)
    },
    async explain(path, fields) {
      const query = fields.map((line) => `&header=${encodeURIComponent(line.replace(': ', ':'))}`).join('')
      const { body } = await herdgate.ask(`/v1/explain?url=${encodeURIComponent(`http://shop.test${path}`)}${query}`)
      return JSON.stringify(body)
    },
    async [Symbol.asyncDispose]() {
      await herdgate.stop()
      await origin.kill()
      await rm(folder, { recursive: true })
    },
  }
}

const configuration = (mode: Mode, origin: Origin): string =>
  [
    'version: 1',
    `origins: { shop: { urls: ["${origin.url}"] } }`,
    'routes:',
    ...Object.entries(ROUTES).map(
      ([name, rules]) =>
        `  - { name: ${name}, match: { path: /${name}/* }, origin: shop, cookies: ${mode}${rules && `, ${rules}`} }`,
    ),
    '',
  ].join('\n')

/** An answer with these field lines and no others but its length. */
export function send(response: ServerResponse, status: number, lines: readonly string[], content: string): void {
  const fields = lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
  response.writeHead(status, [...fields, 'Content-Length', String(content.length)])
  response.end(content)
}
