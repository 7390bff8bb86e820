/**
 * The benchmarks that need nothing from outside the repository:
 * `npm run bench [-- --rounds N] [hit engine admission memory slow disk]`.
 * They build the package first, measure the built command line and library from outside, and print Markdown.
 */
import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { benchHit } from './bench/hit.ts'
import { benchMemory } from './bench/memory.ts'
import { runJson } from './lib/processes.ts'
import { showSpread, spread } from './lib/rounds.ts'
import { benchSlow } from './bench/slow-clients.ts'

const MEASURE_MS = 2_000
const ENTRIES = 100_000
const SLOW_CLIENTS = 5_000

/** What engine.ts prints: nanoseconds per call, one number per round. */
const engineReport = z.object({ getOrSet: z.number().array(), lruCache: z.number().array() })

/** What disk.ts prints: microseconds per operation, one number per round. */
const diskReport = z
  .object({ name: z.string(), bytes: z.number(), elapsed: z.number().array(), cpu: z.number().array() })
  .array()

/** What admission.ts prints: hit ratios. */
const admissionReport = z
  .object({
    trace: z.string(),
    plain: z.number(),
    admitting: z.number(),
    bestStatic: z.number(),
    optimal: z.number(),
  })
  .array()

const BENCHMARKS: Record<string, (rounds: number) => Promise<string[]>> = {
  hit: (rounds) => benchHit(rounds, MEASURE_MS),
  engine: benchEngine,
  admission: benchAdmission,
  memory: () => benchMemory(ENTRIES),
  disk: benchDisk,
  slow: () => benchSlow(SLOW_CLIENTS),
}
/** `slow` is a proof that needs a quiet machine for a minute, `disk` writes a gigabyte: these run only on request. */
const USUAL = ['hit', 'engine', 'memory']

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: 'string', default: '5' } },
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds wants a whole number from 1')
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: fileURLToPath(new URL('..', import.meta.url)) })
  console.log(`Node ${process.versions.node}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown'}\n`)
  for (const name of positionals.length === 0 ? USUAL : positionals) await run(name, rounds)
}

async function run(name: string, rounds: number): Promise<void> {
  const benchmark = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined
  if (benchmark === undefined) throw new Error(`no benchmark ${name}: there are ${Object.keys(BENCHMARKS).join(', ')}`)
  console.log(`## ${name}\n\n${(await benchmark(rounds)).join('\n')}\n`)
}

async function benchEngine(rounds: number): Promise<string[]> {
  const report = await runJson('server', ['load-tests/bench/engine.ts', '--rounds', String(rounds)], engineReport)
  return [
    `A hit in memory through the library, 1,000 keys, ${rounds} rounds`,
    '',
    '| call | ns |',
    '| --- | --- |',
    `| \`await cache.getOrSet(key, load, { ttl })\` | ${showSpread(spread(report.getOrSet), 0)} |`,
    `| \`await lru.get(key)\`, for comparison | ${showSpread(spread(report.lruCache), 0)} |`,
  ]
}

async function benchAdmission(): Promise<string[]> {
  const report = await runJson('server', ['load-tests/bench/admission.ts'], admissionReport)
  return [
    'Share of requests that hit: 400,000 requests for things of one size, room for 1,000',
    '',
    '| trace | least recently used | with admission | best static choice | optimum (Belady) |',
    '| --- | --- | --- | --- | --- |',
    ...report.map(({ trace, ...ratios }) => {
      const { plain, admitting, bestStatic, optimal } = ratios
      return `| ${trace} | ${[plain, admitting, bestStatic, optimal].map((ratio) => ratio.toFixed(3)).join(' | ')} |`
    }),
  ]
}

async function benchDisk(rounds: number): Promise<string[]> {
  const report = await runJson('server', ['load-tests/bench/disk.ts', '--rounds', String(rounds)], diskReport)
  return [
    `Microseconds per operation, files in the page cache, ${rounds} rounds`,
    '',
    '| operation | body in bytes | elapsed | CPU |',
    '| --- | --- | --- | --- |',
    ...report.map(({ name, bytes, elapsed, cpu }) => {
      return `| ${name} | ${bytes} | ${showSpread(spread(elapsed))} | ${showSpread(spread(cpu))} |`
    }),
  ]
}

try {
  await main()
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
