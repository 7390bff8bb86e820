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

/** An origin with different answers for each user, and a Herdgate in front of it. */
export interface Shop extends AsyncDisposable {
  /** Sets the origin's answer for this path, until the next call. */
  serves(path: string, script: Script): void
  /** Returns the raw octets received. */
  ask(...requests: readonly Asking[]): Promise<string>
  /** Resolves when Herdgate has processed everything sent before on the connections of `asked` and `ask`. */
  settled(): Promise<void>
  /** Sends a request and waits until Herdgate has received it; the answer may come later. */
  asked(request: Asking): Promise<{ readonly answer: Promise<string> }>
  /** Makes stored responses for the path stale: they must be revalidated, but may be served if the origin fails. */
  invalidate(path: string): Promise<void>
  explain(path: string, fields: readonly string[]): Promise<string>
}

/** Routes by the first segment of the path. */
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
      // The first probe ensures that everything the origin sent before has arrived, the second that it is processed.
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

/** An answer with these field lines and Content-Length only. */
export function send(response: ServerResponse, status: number, lines: readonly string[], content: string): void {
  const fields = lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
  response.writeHead(status, [...fields, 'Content-Length', String(content.length)])
  response.end(content)
}
