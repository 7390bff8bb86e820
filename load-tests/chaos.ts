/**
 * Drives a real fleet, with injected faults, by hostile request patterns:
 * `npm run chaos [-- --pattern NAME --nodes 2 --requests 2000 --seed 1 --save FILE --compare FILE]`.
 * Prints Markdown; the exit code is 1 if any response was wrong.
 */
import { parseArgs } from 'node:util'
import { PATTERNS, type Pattern } from './chaos/patterns.ts'
import { startRedis } from './lib/redis.ts'
import { comparison, row, TABLE_HEAD } from './chaos/report.ts'
import { load, type PatternResult, type Results, save } from './chaos/results.ts'
import { run } from './chaos/run.ts'
import { startServer } from './lib/processes.ts'

const ORIGIN_DELAY_MS = 50

async function main(): Promise<void> {
  const { patterns, compare, save: path, ...options } = read()
  const before = compare === undefined ? undefined : await load(compare)
  await using origin = await startServer('generator', ['load-tests/chaos/origin.ts', String(ORIGIN_DELAY_MS)])
  await using redis = await startRedis()
  const settings = { ...options, redis: redis !== undefined }
  const shared = redis === undefined ? 'without Redis, as there is none here' : 'sharing a Redis'
  console.log(`${options.nodes} nodes ${shared}, an origin that takes ${ORIGIN_DELAY_MS} ms, seed ${options.seed}\n`)
  console.log(TABLE_HEAD.join('\n'))
  const results: PatternResult[] = []
  for (const pattern of patterns) {
    const result = await run(pattern, { ...options, origin: origin.urls[0] ?? '', redis: redis?.url })
    console.log(row(result))
    results.push(result)
  }
  const now: Results = { version: 1, settings, patterns: results }
  if (before !== undefined) console.log(['', ...comparison(before, now)].join('\n'))
  if (path !== undefined) await save(path, now)
  reportWrong(results)
}

function reportWrong(results: readonly PatternResult[]): void {
  for (const { pattern, wrongs } of results) for (const wrong of wrongs) console.error(`${pattern}: ${wrong}`)
  if (results.some(({ wrong }) => wrong > 0)) process.exitCode = 1
}

function read() {
  const { values } = parseArgs({
    options: {
      pattern: { type: 'string', multiple: true, default: PATTERNS.map(({ name }) => name) },
      nodes: { type: 'string', default: '2' },
      requests: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      save: { type: 'string' },
      compare: { type: 'string' },
    },
  })
  return {
    patterns: values.pattern.map(patternNamed),
    nodes: whole('--nodes', values.nodes, 1, 16),
    requests: whole('--requests', values.requests, 1, 1_000_000),
    seed: whole('--seed', values.seed, 0, 2_000_000_000),
    save: values.save,
    compare: values.compare,
  }
}

function patternNamed(name: string): Pattern {
  const pattern = PATTERNS.find((candidate) => candidate.name === name)
  if (pattern !== undefined) return pattern
  const known = PATTERNS.map(({ name, what }) => `  ${name}: ${what}`).join('\n')
  throw new Error(`no pattern ${name}; there are\n${known}`)
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(`${flag} wants a whole number from ${least} to ${most}, got ${text}`)
}

try {
  await main()
} catch (error) {
  console.error(`chaos: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
