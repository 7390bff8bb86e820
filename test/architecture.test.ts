import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

/*
 * Which modules a file may import. The first rule whose `from` is a prefix of the file's path applies. A target is a
 * path prefix, `npm:` for any package, `npm:name` for one, `node:` for Node's own modules. Type-only imports do not
 * count, as they are erased at run time.
 */
interface Rule {
  readonly from: string
  readonly may: readonly string[]
}

/** The shared vocabulary, which every folder may import. */
const WORDS = [
  'src/model.ts',
  'src/fields.ts',
  'src/methods.ts',
  'src/token.ts',
  'src/head-text.ts',
  'src/interned.ts',
  'src/response-record.ts',
  'src/errors.ts',
  'src/events.ts',
  'src/light-signal.ts',
  'src/collectable.ts',
  'src/body.ts',
  'src/clock.ts',
  'src/deadline.ts',
  'src/units.ts',
  'src/given.ts',
  'src/problem.ts',
]

/** Each file of src and routes matches one of these. */
const RULES: readonly Rule[] = [
  // The vocabulary.
  { from: 'src/model', may: ['src/model/'] },
  { from: 'src/fields.ts', may: [] },
  { from: 'src/methods.ts', may: [] },
  { from: 'src/token.ts', may: [] },
  { from: 'src/head-text.ts', may: [] },
  { from: 'src/interned.ts', may: [] },
  { from: 'src/response-record.ts', may: [] },
  { from: 'src/errors.ts', may: [] },
  { from: 'src/events.ts', may: ['src/given.ts'] },
  { from: 'src/body', may: ['src/body/', 'src/errors.ts', 'src/heap/content-volume.ts'] },
  { from: 'src/light-signal.ts', may: [] },
  { from: 'src/collectable.ts', may: [] },
  { from: 'src/clock.ts', may: [] },
  { from: 'src/deadline.ts', may: [] },
  { from: 'src/units.ts', may: ['src/given.ts'] },
  { from: 'src/given.ts', may: [] },
  { from: 'src/problem.ts', may: ['src/head-text.ts', 'src/node-http.ts'] },
  { from: 'src/node-http.ts', may: [] },
  { from: 'src/version.ts', may: ['node:fs'] },

  // The cache: what it decides, how it acts on it, and where it stores entries.
  {
    from: 'src/policy/fields/',
    may: [
      'src/policy/fields/',
      'src/policy/memoized.ts',
      'src/policy/target.ts',
      'src/fields.ts',
      'src/token.ts',
      'npm:structured-headers',
    ],
  },
  {
    from: 'src/policy/',
    may: [
      'src/policy/',
      'src/model.ts',
      'src/fields.ts',
      'src/methods.ts',
      'src/token.ts',
      'src/errors.ts',
      'npm:structured-headers',
      'node:crypto',
    ],
  },
  { from: 'src/cache/engine/', may: ['src/cache/engine/', ...WORDS] },
  {
    from: 'src/cache/http/',
    may: [
      'src/cache/http/',
      'src/cache/engine/',
      'src/cache/purging.ts',
      'src/policy/',
      ...WORDS,
      'node:crypto',
      'node:stream',
    ],
  },
  { from: 'src/cache/values/', may: ['src/cache/values/', 'src/cache/engine/', ...WORDS] },
  { from: 'src/cache/', may: ['src/cache/', 'src/policy/', ...WORDS] },
  {
    from: 'src/stores/codec/',
    may: ['src/stores/codec/', 'src/stores/value-size.ts', ...WORDS, 'node:buffer', 'node:crypto', 'node:zlib'],
  },
  { from: 'src/stores/log/', may: ['src/stores/log/', ...WORDS, 'node:crypto'] },
  {
    from: 'src/stores/memory/',
    may: [
      'src/stores/memory/',
      'src/stores/log/',
      'src/stores/value-size.ts',
      ...WORDS,
      'npm:lru-cache',
      'node:crypto',
    ],
  },
  {
    from: 'src/stores/disk/',
    may: [
      'src/stores/disk/',
      'src/stores/codec/',
      'src/stores/log/',
      'src/stores/batches.ts',
      'src/stores/taking-in.ts',
      'src/config/defaults.ts',
      ...WORDS,
      'npm:lmdb',
      'node:fs',
      'node:path',
      'node:module',
      'node:os',
      'node:child_process',
      'node:crypto',
    ],
  },
  {
    from: 'src/stores/redis/',
    may: [
      'src/stores/redis/',
      'src/stores/codec/',
      'src/stores/log/',
      'src/stores/batches.ts',
      'src/stores/taking-in.ts',
      'src/config/defaults.ts',
      'src/stores/lease-life.ts',
      ...WORDS,
      'npm:ioredis',
      'node:crypto',
      'node:module',
    ],
  },
  { from: 'src/stores/tiered.ts', may: ['src/stores/far-reads.ts', ...WORDS] },
  { from: 'src/stores/taking-in.ts', may: ['src/stores/codec/', 'src/heap/content-volume.ts', ...WORDS] },
  { from: 'src/stores/', may: WORDS },
  {
    from: 'src/origin/',
    may: ['src/origin/', 'src/node-http.ts', 'src/heap/content-volume.ts', ...WORDS, 'node:', 'npm:undici'],
  },
  {
    from: 'src/lane/',
    may: ['src/lane/', 'src/policy/', 'src/ports/connections.ts', 'src/node-http.ts', ...WORDS, 'node:'],
  },
  { from: 'src/chaos/', may: ['src/chaos/', 'src/stores/codec/codec.ts', ...WORDS] },

  // How the process controls its garbage collection.
  { from: 'src/heap/', may: ['src/heap/', 'node:'] },

  // Observability.
  { from: 'src/logging/', may: ['src/logging/', 'src/policy/', ...WORDS, 'node:fs', 'npm:pino'] },
  { from: 'src/metrics', may: ['src/metrics', ...WORDS, 'npm:prom-client'] },
  { from: 'src/live/', may: ['src/live/', ...WORDS] },
  { from: 'src/dashboard/', may: ['src/dashboard/', 'npm:uplot'] },
  { from: 'src/tracing/tracing.ts', may: ['src/tracing/create-tracing.ts'] },
  {
    from: 'src/tracing/',
    may: [
      'src/tracing/',
      'src/logging/redacted-path.ts',
      'src/policy/target.ts',
      'src/version.ts',
      ...WORDS,
      'node:',
      'npm:@opentelemetry/',
    ],
  },

  // The outside: the library, HTTP, the configuration, and the composition of all parts.
  {
    from: 'src/library/',
    may: [
      'src/library/',
      'src/cache/',
      'src/stores/',
      'src/origin/',
      'src/policy/',
      'src/ports/peers.ts',
      'src/config/defaults.ts',
      'src/config/addresses.ts',
      'src/config/plugin-options.ts',
      'routes/proxy.ts',
      ...WORDS,
    ],
  },
  { from: 'src/index.ts', may: ['src/library/', 'src/stores/', 'src/origin/pool-origin.ts', ...WORDS] },
  {
    from: 'src/for-routes.ts',
    may: [
      'src/cache/http/reply.ts',
      'src/policy/',
      'src/ports/lingering-close.ts',
      'src/ports/peers.ts',
      'src/ports/pipelining.ts',
      'src/node-http.ts',
      ...WORDS,
    ],
  },
  { from: 'routes/admin/', may: ['routes/admin/', 'src/for-routes.ts', 'node:', 'npm:'] },
  { from: 'routes/', may: ['routes/proxy/', 'src/for-routes.ts', 'node:', 'npm:'] },
  {
    from: 'src/ports/admin-',
    may: [
      'src/ports/',
      'routes/admin/',
      'src/policy/head.ts',
      'src/logging/printable.ts',
      'src/node-http.ts',
      ...WORDS,
      'npm:',
    ],
  },
  {
    from: 'src/ports/',
    may: [
      'src/ports/',
      'src/policy/',
      'src/heap/connection-memory.ts',
      'src/origin/tunnel.ts',
      'src/node-http.ts',
      ...WORDS,
      'node:',
      'npm:fastify',
    ],
  },
  { from: 'src/config/defaults.ts', may: [] },
  {
    from: 'src/config',
    may: [
      'src/config',
      'src/stores/redis/url.ts',
      'src/policy/absolute-url.ts',
      'src/policy/fields/tag-caps.ts',
      'src/ports/max-connections.ts',
      'src/token.ts',
      'src/model.ts',
      'src/errors.ts',
      'src/units.ts',
      'node:',
      'npm:zod',
      'npm:yaml',
    ],
  },
  {
    from: 'src/server/',
    may: [
      'src/server/',
      'src/cache/',
      'src/chaos/',
      'src/lane/',
      'src/library/',
      'src/live/',
      'src/logging/',
      'src/origin/',
      'src/ports/',
      'src/stores/',
      'src/metrics.ts',
      'src/tracing/tracing.ts',
      'src/config/defaults.ts',
      'src/config/memory-shares.ts',
      'src/heap/',
      'src/version.ts',
      'routes/proxy.ts',
      ...WORDS,
      'node:',
    ],
  },
  { from: 'src/server.ts', may: ['src/server/', 'src/ports/', 'src/version.ts', ...WORDS, 'node:'] },
  {
    from: 'src/workers/worker.ts',
    may: [
      'src/workers/',
      'src/server/',
      'src/config/memory-shares.ts',
      'src/heap/own-process.ts',
      'src/logging/log.ts',
      'src/tracing/tracing.ts',
      'node:cluster',
      'npm:pino',
    ],
  },
  {
    from: 'src/workers/primary.ts',
    may: [
      'src/workers/',
      'src/server/',
      'src/ports/',
      'src/chaos/',
      'src/library/',
      'src/logging/',
      'src/metrics.ts',
      'src/metrics/reports.ts',
      'src/config/defaults.ts',
      'src/version.ts',
      ...WORDS,
      'node:',
    ],
  },
  {
    from: 'src/workers/',
    may: [
      'src/workers/',
      'src/stores/',
      'src/config/memory-shares.ts',
      'src/heap/content-volume.ts',
      'src/live/live.ts',
      'src/metrics/reports.ts',
      ...WORDS,
      'node:cluster',
    ],
  },
  { from: 'src/cli', may: ['src/', 'node:', 'npm:commander', 'npm:pino'] },
  {
    from: 'src/demo',
    may: ['src/demo', 'src/config.ts', 'src/server.ts', ...WORDS, 'node:', 'npm:zod', 'npm:pino'],
  },
]

/** Entry points, imported only by what starts them. */
const ROOTS: Readonly<Record<string, readonly string[]>> = {
  'src/cli.ts': [],
  'src/demo.ts': ['src/cli/'],
  'src/server.ts': ['src/cli/', 'src/demo/'],
  'src/workers/primary.ts': ['src/cli/'],
  'src/workers/worker.ts': [],
}

const root = resolve(import.meta.dirname, '..')
const files = ['src', 'routes', 'load-tests'].flatMap(sourcesIn)

describe('imports', () => {
  test.each(files.filter((file) => !file.startsWith('load-tests/')))(
    '%s imports only what its place allows',
    (file) => {
      const may = RULES.find(({ from }) => file.startsWith(from))?.may ?? []
      expect(importsOf(file).filter((target) => !may.some((allowed) => target.startsWith(allowed)))).toEqual([])
    },
  )

  test('every file matches a rule, and every rule a file', () => {
    const places = files.map((file) => RULES.find(({ from }) => file.startsWith(from)))
    expect(files.filter((file, at) => places[at] === undefined && !file.startsWith('load-tests/'))).toEqual([])
    expect(RULES.filter((rule) => !places.includes(rule))).toEqual([])
  })

  test.each(Object.entries(ROOTS))('only its starters import %s', (target, allowed) => {
    const importers = files.filter((file) => importsOf(file).includes(target))
    expect(importers.filter((file) => !allowed.some((prefix) => file.startsWith(prefix)))).toEqual([])
  })

  test('a worker loads nothing of its primary', () => {
    const importers = files.filter((file) =>
      importsOf(file).some((target) => target.startsWith('src/workers/primary/')),
    )
    expect(importers.filter((file) => !/^src\/workers\/primary[./]/.test(file))).toEqual([])
  })

  test('load tests drive Herdgate from outside', () => {
    const inside = files.filter(
      (file) => file.startsWith('load-tests/') && importsOf(file).some((target) => target.startsWith('src/')),
    )
    expect(inside).toEqual([])
  })

  test('policy reads no clock, no randomness and does no I/O', () => {
    const impure = files
      .filter((file) => file.startsWith('src/policy/'))
      .filter((file) => /Date\.now|new Date\(\)|Math\.random|performance\.|setTimeout|process\./.test(read(file)))
    expect(impure).toEqual([])
  })

  test('fault injection wraps parts from outside, and only the composition root uses it', () => {
    const importers = files.filter((file) => importsOf(file).some((target) => target.startsWith('src/chaos/')))
    expect(importers.filter((file) => !/^src\/(?:chaos\/|server\/|workers\/primary\.ts$)/.test(file))).toEqual([])
  })

  test('randomness comes from a seed', () => {
    const chaos = files.filter((file) => file.startsWith('src/chaos/'))
    expect(chaos.filter((file) => /Math\.random|node:crypto/.test(read(file)))).toEqual([])
  })

  test('time is read in one place', () => {
    const inside = files.filter((file) => /^src\/(cache|chaos|stores|policy)\//.test(file))
    expect(inside.filter((file) => /Date\.now|performance\.now|setTimeout|setInterval/.test(read(file)))).toEqual([])
  })
})

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[jt]s$/.test(name))
    .map((name) => join(folder, name))
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** Targets of a file's imports and re-exports, without type-only ones, including those in JSDoc. */
function importsOf(file: string): string[] {
  const pattern =
    /^(?:import|export)(?!\s+type\b)[^'"\n]*(?:\n[^'"]*?)?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|(?<!\{)import\(['"]([^'"]+)['"]\)/gm
  return [...read(file).matchAll(pattern)].map(([, from, bare, dynamic]) =>
    targetOf(file, from ?? bare ?? dynamic ?? ''),
  )
}

function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(file), specifier))
  return specifier.startsWith('node:') ? specifier : `npm:${specifier}`
}
