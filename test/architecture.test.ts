import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

/*
 * Who may import what. The first rule whose `from` begins the file's path counts. A target is a path prefix, `npm:` for
 * any package, `npm:name` for one, `node:` for Node's own modules. Imports of types alone do not count: they leave
 * nothing behind at run time.
 */
interface Rule {
  readonly from: string
  readonly may: readonly string[]
}

const NOUNS = [
  'src/model.ts',
  'src/fields.ts',
  'src/errors.ts',
  'src/events.ts',
  'src/body.ts',
  'src/clock.ts',
  'src/units.ts',
  'src/problem.ts',
]

const RULES: readonly Rule[] = [
  { from: 'src/model.ts', may: ['src/fields.ts'] },
  { from: 'src/fields.ts', may: [] },
  { from: 'src/errors.ts', may: [] },
  { from: 'src/events.ts', may: ['src/model.ts'] },
  { from: 'src/body.ts', may: ['src/model.ts', 'src/fields.ts', 'src/errors.ts'] },
  {
    from: 'src/policy/',
    may: ['src/policy/', 'src/model.ts', 'src/fields.ts', 'src/errors.ts', 'npm:structured-headers'],
  },
  {
    from: 'src/stores/codec/',
    may: ['src/stores/codec/', 'src/stores/memory/size.ts', ...NOUNS, 'node:buffer', 'node:crypto', 'node:zlib'],
  },
  { from: 'src/stores/log/', may: ['src/stores/log/', ...NOUNS] },
  {
    from: 'src/stores/memory/',
    may: ['src/stores/memory/', 'src/stores/log/', ...NOUNS, 'npm:lru-cache', 'node:crypto'],
  },
  {
    from: 'src/stores/disk/',
    may: [
      'src/stores/disk/',
      'src/stores/codec/',
      'src/stores/log/',
      ...NOUNS,
      'npm:lmdb',
      'node:fs',
      'node:path',
      'node:module',
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
      'src/stores/deadline.ts',
      ...NOUNS,
      'npm:ioredis',
      'node:crypto',
      'node:module',
    ],
  },
  { from: 'src/stores/', may: NOUNS },
  { from: 'src/origin/', may: ['src/origin/', 'src/node-http.ts', ...NOUNS, 'node:', 'npm:undici'] },
  { from: 'src/chaos/', may: ['src/chaos/', 'src/stores/codec/codec.ts', ...NOUNS] },
  {
    from: 'src/workers/',
    may: [
      'src/workers/',
      'src/stores/',
      'src/cache/statistics.ts',
      'src/live/live.ts',
      'src/metrics/reports.ts',
      ...NOUNS,
      'npm:lru-cache',
      'node:cluster',
    ],
  },
  { from: 'src/lane/', may: ['src/lane/', 'src/policy/', 'src/node-http.ts', ...NOUNS, 'node:'] },
  { from: 'src/cache/engine/', may: ['src/cache/engine/', ...NOUNS] },
  {
    from: 'src/cache/http/',
    may: ['src/cache/http/', 'src/cache/engine/', 'src/policy/', ...NOUNS, 'node:crypto', 'node:stream'],
  },
  { from: 'src/cache/values/', may: ['src/cache/values/', 'src/cache/engine/', ...NOUNS] },
  { from: 'src/cache/', may: ['src/cache/', 'src/policy/', ...NOUNS] },
  {
    from: 'src/config',
    may: [
      'src/config',
      'src/stores/redis/url.ts',
      'src/model.ts',
      'src/units.ts',
      'src/config/defaults.ts',
      'node:',
      'npm:zod',
      'npm:yaml',
    ],
  },
  { from: 'src/metrics', may: ['src/metrics', ...NOUNS, 'node:', 'npm:prom-client'] },
  { from: 'src/tracing/tracing.ts', may: ['src/tracing/create-tracing.ts'] },
  {
    from: 'src/tracing/',
    may: [
      'src/tracing/',
      'src/logging/access-log.ts',
      'src/policy/target.ts',
      'src/version.ts',
      ...NOUNS,
      'node:',
      'npm:@opentelemetry/',
    ],
  },
  { from: 'src/live', may: ['src/live', ...NOUNS] },
  { from: 'routes/', may: ['routes/', 'src/library.ts', 'src/node-http.ts', 'node:', 'npm:'] },
]

/** Nobody imports these, except those who start them. */
const ROOTS: Readonly<Record<string, readonly string[]>> = {
  'src/server.ts': ['src/cli.ts', 'src/cli/', 'src/demo.ts', 'src/demo/'],
  'src/cli.ts': [],
  'src/workers/primary.ts': ['src/cli/'],
  'src/workers/worker.ts': [],
}

const root = resolve(import.meta.dirname, '..')
const files = ['src', 'routes', 'load-tests'].flatMap(sourcesIn)

describe('imports', () => {
  test.each(files)('%s imports only what its place allows', (file) => {
    const rule = RULES.find(({ from }) => file.startsWith(from))
    const forbidden = importsOf(file).filter(
      (target) => rule !== undefined && !rule.may.some((allowed) => target.startsWith(allowed)),
    )
    expect(forbidden).toEqual([])
  })

  test.each(Object.entries(ROOTS))('nobody but who starts it imports %s', (target, allowed) => {
    const importers = files.filter((file) => importsOf(file).includes(target))
    expect(importers.filter((file) => !allowed.some((prefix) => file.startsWith(prefix)))).toEqual([])
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

  test('faults on purpose are put around parts from outside, and by nobody but those who put the server together', () => {
    const importers = files.filter((file) => importsOf(file).some((target) => target.startsWith('src/chaos/')))
    expect(importers.filter((file) => !/^src\/(?:chaos\/|primary\.ts$|proxy\.ts$|tiers\.ts$)/.test(file))).toEqual([])
  })

  test('chance is drawn from a seed', () => {
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
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** Targets of a file's imports and re-exports, types-only ones left out where they stand alone. */
function importsOf(file: string): string[] {
  const pattern =
    /^(?:import|export)(?!\s+type\b)[^'"\n]*(?:\n[^'"]*?)?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|import\(['"]([^'"]+)['"]\)/gm
  return [...read(file).matchAll(pattern)].map(([, from, bare, dynamic]) =>
    targetOf(file, from ?? bare ?? dynamic ?? ''),
  )
}

function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(file), specifier))
  return specifier.startsWith('node:') ? specifier : `npm:${specifier}`
}
