/** The package as published, in an application that has nothing else. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import * as library from '../../src/index.ts'
import { stepsIn } from '../support/documented.ts'
import { newFolder } from '../support/folder.ts'
import { startOrigin } from '../support/http.ts'
import { installIn, type Package, packPackage } from '../support/package.ts'

const run = promisify(execFile)
const REPOSITORY = join(import.meta.dirname, '../..')

/** Building, packing and installing, on a slow machine. */
const LONG_MS = 300_000

let made: Package
let app: string
beforeAll(async () => {
  made = await packPackage()
  app = await installIn(newFolder(), made.tarball)
}, LONG_MS)
afterAll(async () => {
  await made[Symbol.asyncDispose]()
  await rm(app, { recursive: true })
})

const herdgate = (...args: string[]) => run(join(app, 'node_modules/.bin/herdgate'), args, { cwd: app })

describe('the package contains', () => {
  test('built modules with their types, the dashboard, README, CHANGELOG and LICENSE', () => {
    const kind = /^dist\/(?:src|routes)\/[\w/-]+\.(?:js|js\.map|d\.ts)$/
    const others = made.files.filter((file) => !kind.test(file) && !file.startsWith('dist/src/dashboard/'))
    expect(others.toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
  })

  test('neither tests nor sources', () => {
    expect(made.files.filter((file) => /test|(?<!\.d)\.ts$|tsconfig/.test(file))).toEqual([])
  })

  test('every file of the dashboard, and nothing else there', () => {
    const inSources = readdirSync(join(REPOSITORY, 'src/dashboard')).filter((name) => !/\.(?:json|ts)$/.test(name))
    const packed = made.files.filter((file) => file.startsWith('dist/src/dashboard/'))
    expect(packed.toSorted()).toEqual(inSources.map((name) => `dist/src/dashboard/${name}`).toSorted())
  })
})

describe('the command', () => {
  test('prints its version', async () => {
    expect((await herdgate('--version')).stdout).toBe(`${manifest.version}\n`)
  })

  test('checks a configuration', async () => {
    const { stdout } = await herdgate('check', '--origin', 'http://127.0.0.1:3000')
    expect(stdout).toContain('configuration is valid')
    await expect(herdgate('check', '--orign', 'x')).rejects.toMatchObject({ code: 2 })
  })

  test('serves, the dashboard and its plots included', async () => {
    const ports = ['--port', '0', '--admin-port', '0', '--origin-port', '0']
    const child = spawn(join(app, 'node_modules/.bin/herdgate'), ['demo', ...ports], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [data = '', admin = ''] = await addressesIn(child.stdout, ['Herdgate', 'Dashboard'])
      expect((await fetch(`${data}/products/1`)).headers.get('cache-status')).toContain('fwd=uri-miss')
      for (const path of ['/dashboard', '/dashboard/main.js', '/dashboard/uPlot.esm.js', '/docs']) {
        expect([path, (await fetch(`${admin}${path}`)).status]).toEqual([path, 200])
      }
    } finally {
      child.kill()
      await once(child, 'exit')
    }
  })
})

describe('the library', () => {
  const APPLICATION = `import Fastify from 'fastify'
import { type Cache, createCache, herdgate, localLog } from 'herdgate'

const ttl = process.env.TTL // not set: as if it were not given
const limits = { maxWaiting: undefined, maxBodiesInProgress: undefined }
const values = createCache({ store: undefined, log: localLog({ maxTargets: undefined }), routes: undefined, limits })
const one: number = await values.getOrSet('one', async () => 1, { ttl, grace: ttl, softTimeout: ttl, tags: undefined })
await values.purge({ keys: ['none'], tags: undefined, all: undefined })
// @ts-expect-error a duration is a number or text
export const wrong = () => values.getOrSet('two', async () => 2, { ttl: true })

let pages: Cache | undefined
const app = Fastify()
const onCache = (cache: Cache) => { pages = cache }
app.register(herdgate, { origin: process.argv[2] ?? '', prefix: '/api', ttl, tags: undefined, memory: undefined, onCache })
const ask = async () => (await app.inject('/api/x')).headers['cache-status']
const asked = [await ask(), await ask()]
await pages?.purge({ tags: ['all'] })
console.log(JSON.stringify([one, ...asked, await ask()]))
await app.close()
`

  /** A package that wraps this one: types inferred from this one must be nameable in its declarations. */
  const PACKAGE = `import { createCache, type EventPayloads, memoryStore, redisLeases, redisLog, type Store, type Stored } from 'herdgate'

export const store = memoryStore({ maxBytes: '1MiB' })
export const cache = createCache({ store })
export const { setMany, hits } = cache
export const { requests, tiers } = cache.stats()
export const { outcome: { result, detail, fwd } } = await cache.handle({ method: 'GET', url: 'http://a/', fields: [] })
export const { stored } = await cache.explain({ method: 'GET', url: 'http://a/', fields: [] })
export const nodes = redisLog({ url: 'redis://localhost' }).nodes()
export const taken = redisLeases({ url: 'redis://localhost' }).take('key')
export const reasonOf = (event: EventPayloads['eviction']) => event.reason
export const operationOf = (event: EventPayloads['store']) => event
export const partOf = (thing: Stored) => (thing.kind === 'response' ? thing.partial : thing)
export const drivers = (one: Store) => [one.get, one.setMany, one.peek] as const
`

  test('has types that compile under strict options', async () => {
    await writeFile(join(app, 'app.ts'), APPLICATION)
    await writeFile(join(app, 'package.ts'), PACKAGE)
    const compilerOptions = {
      target: 'es2024',
      module: 'nodenext',
      strict: true,
      noEmit: true,
      declaration: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(REPOSITORY, 'node_modules/@types')],
    }
    await writeFile(join(app, 'documented.ts'), documented('docs/embedding-in-fastify.md', 'app.ts'))
    await writeFile(join(app, 'handle.ts'), documented('docs/library.md', 'handle.ts'))
    await writeFile(join(app, 'ttl.ts'), documented('docs/library.md', 'ttl.ts'))
    const files = ['app.ts', 'package.ts', 'documented.ts', 'handle.ts', 'ttl.ts']
    await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    await run(join(REPOSITORY, 'node_modules/.bin/tsc'), ['-p', app])
  }, 300_000)

  test('exports the public API, and nothing internal', async () => {
    const script = `console.log(JSON.stringify(Object.keys(await import('herdgate'))))`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: app })
    expect(JSON.parse(stdout)).toEqual(Object.keys(library).toSorted())
  })

  test('stores values, and is a plugin for Fastify', async () => {
    await writeFile(join(app, 'app.ts'), APPLICATION)
    const origin = await startOrigin((_, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Surrogate-Key': 'all' }).end('content')
    })
    try {
      const { stdout } = await run(process.execPath, ['app.ts', origin.url], { cwd: app })
      const miss = expect.stringContaining('fwd=uri-miss')
      expect(JSON.parse(stdout)).toEqual([1, miss, expect.stringContaining('herdgate; hit'), miss])
    } finally {
      await origin.kill()
    }
  })
})

function documented(page: string, file: string): string {
  return stepsIn(readFileSync(join(REPOSITORY, page), 'utf8')).find(({ name }) => name === file)?.text ?? 'none'
}

/** The first address in each line that begins with one of the names, once all have been printed. */
async function addressesIn(output: NodeJS.ReadableStream, names: readonly string[]): Promise<string[]> {
  const lines: string[] = []
  for await (const line of createInterface({ input: output })) {
    lines.push(line)
    const found = names.map((name) => lines.find((each) => each.startsWith(name)))
    if (!found.includes(undefined)) return found.map((each) => /http:\/\/[\w.:]+/.exec(each ?? '')?.[0] ?? '')
  }
  throw new Error(`ended without telling its addresses: ${lines.join('\n')}`)
}
