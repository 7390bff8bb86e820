/** A command loads only what it needs: docs/decisions/what-is-loaded-late.md. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const SERVE = ['serve', '--host', '127.0.0.1', '--port', '0', '--admin-port', '0', '--origin', 'http://127.0.0.1:9']
const NODES_FETCH = 'internal/deps/undici/undici'

/** Runs in the command's process, and prints on exit which packages and which parts of Node were loaded. */
const TELL = `data:text/javascript,${encodeURIComponent(`
  import { createRequire } from 'node:module'
  const { cache } = createRequire(${JSON.stringify(CLI)})
  process.on('exit', () => {
    const files = Object.keys(cache).flatMap((file) => /node_modules\\/((?:@[^/]+\\/)?[^/]+)(?!.*node_modules)/.exec(file)?.[1] ?? [])
    const parts = process.moduleLoadList.map((part) => part.replace('NativeModule ', ''))
    process._rawDebug('loaded ' + JSON.stringify([...new Set([...files, ...parts])]))
  })`)}`

/** Ends a server as soon as it listens. */
async function loadedBy(args: readonly string[]): Promise<string[]> {
  const { HERDGATE_ADMIN_TOKEN: _, NODE_OPTIONS: _options, ...env } = process.env
  const child = spawn(process.execPath, ['--import', TELL, CLI, ...args], { env })
  child.stdout.on('data', (chunk: Buffer) => chunk.includes('listening on') && child.kill('SIGTERM'))
  const [errors] = await Promise.all([text(child.stderr), once(child, 'close')])
  const [, list] = /^loaded (.*)$/m.exec(errors) ?? []
  if (list === undefined) throw new Error(`it did not tell: ${errors}`)
  return JSON.parse(list)
}

const NEVER_NEEDED = ['ajv', '@fastify/fast-json-stringify-compiler', NODES_FETCH]
const FOR_PAGES = ['@fastify/static', '@fastify/swagger', '@fastify/swagger-ui']

test('serve loads nothing for disk, Redis, configuration files and pages until they are used', async () => {
  const loaded = await loadedBy(SERVE)
  expect(loaded).toEqual(expect.arrayContaining(['fastify', 'undici']))
  const early = [...NEVER_NEEDED, ...FOR_PAGES, 'ioredis', 'lmdb', 'yaml', '@opentelemetry/sdk-trace']
  expect(early.filter((name) => loaded.includes(name))).toEqual([])
})

test('with Redis it loads the Redis client', async () => {
  expect(await loadedBy([...SERVE, '--redis', 'redis://127.0.0.1:9'])).toContain('ioredis')
})

test.each([
  ['probe', 'http://127.0.0.1:9'],
  ['purge', '--all', '--token', 'x', '--admin', 'http://127.0.0.1:9'],
  ['--help'],
  ['--version'],
])('%s loads no package of the server, and not fetch', async (...args) => {
  const loaded = await loadedBy(args)
  const known = ['fastify', 'undici', 'pino', 'ioredis', 'lmdb', 'yaml', 'prom-client', NODES_FETCH]
  expect(known.filter((name) => loaded.includes(name))).toEqual([])
})
