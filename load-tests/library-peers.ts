/**
 * The library compared with others: `npm run bench:engine [-- --rounds N --ms N --only NAME --row NAME --write]`.
 * Builds the package and installs the others into a temporary folder first. Each is measured in a process of its own;
 * rounds are interleaved. The exit code is 1 if Herdgate is slower than it must be.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { CONTESTANTS, INSTALLED } from './library-peers/contestants.ts'
import { ROWS, type Row } from './library-peers/rows.ts'
import { pinned, runJson } from './lib/processes.ts'
import { showSpread, spread } from './lib/rounds.ts'
import { machine, writeSection } from './lib/written.ts'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))
const HERDGATE = 'Herdgate'
/** Not a cache like the others: no loading, no tags, no waiting. */
const BARE = 'lru-cache'

/** What library-peers/run.ts prints. */
const runReport = z.record(z.string(), z.number().nullable())
type Run = z.infer<typeof runReport>

/** By library, in order of rounds. */
type Runs = ReadonlyMap<string, readonly Run[]>

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '7' },
      ms: { type: 'string', default: '100' },
      only: { type: 'string', multiple: true, default: [] },
      row: { type: 'string', multiple: true, default: [] },
      write: { type: 'boolean', default: false },
    },
  })
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: REPOSITORY })
  const folder = mkdtempSync(join(tmpdir(), 'herdgate-bench-'))
  try {
    install(folder)
    const names = Object.keys(CONTESTANTS).filter(
      (name) => name === HERDGATE || values.only.length === 0 || values.only.includes(name),
    )
    const rows = ROWS.filter(({ name }) => values.row.length === 0 || values.row.includes(name))
    const runs = await measured(names, folder, Number(values.rounds), values.ms, rows)
    const lines = [...heading(values.rounds, values.ms), '', ...table(rows, runs), '', ...claims(rows, runs)]
    console.log(lines.join('\n'))
    if (values.write) writeSection('engine', lines)
    if (rows.some((row) => faults(row, runs).length > 0)) process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function install(folder: string): void {
  console.error(`installing ${INSTALLED.join(', ')} into ${folder}`)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const own = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(REPOSITORY, 'node_modules', BARE, 'package.json'), 'utf8')))
  const packages = [...INSTALLED, `${BARE}@${own.version}`]
  execFileSync('npm', ['install', ...quiet, ...packages], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  writeFileSync(join(folder, 'import.mjs'), 'export default (name) => import(name)\n')
}

async function measured(
  names: readonly string[],
  folder: string,
  rounds: number,
  ms: string,
  rows: readonly Row[],
): Promise<Runs> {
  const runs = new Map<string, Run[]>(names.map((name) => [name, []]))
  for (let round = 1; round <= rounds; round += 1) {
    console.error(`round ${round} of ${rounds}`)
    for (const [name, done] of runs) {
      done.push(
        await runJson(
          'server',
          ['load-tests/library-peers/run.ts', name, folder, ms, ...rows.map((row) => row.name)],
          runReport,
        ),
      )
    }
  }
  return runs
}

function table(rows: readonly Row[], runs: Runs): string[] {
  const names = [...runs.keys()]
  return [
    `| | ${names.join(' | ')} | RustoCache, as published |`,
    `| --- |${' --- |'.repeat(names.length + 1)}`,
    ...rows.map((row) => {
      const cells = names.map((name) => cell(row, timesOf(row, runs.get(name) ?? [])))
      const seed = row.seedNs === undefined ? '' : inUnit(row, row.seedNs)
      return `| ${row.name}, ${row.unit} | ${cells.join(' | ')} | ${seed} |`
    }),
  ]
}

function cell(row: Row, times: readonly number[]): string {
  if (times.length === 0) return '–'
  const unit = times.map((time) => time / UNIT_NS[row.unit])
  return showSpread(spread(unit), spread(unit).median < 10 ? 1 : 0)
}

const UNIT_NS = { ns: 1, µs: 1_000 } as const
const inUnit = ({ unit }: Row, ns: number): string => String(ns / UNIT_NS[unit])

/** Whether Herdgate is as fast as it must be: faster than each library, the published figures, and its own limits. */
function claims(rows: readonly Row[], runs: Runs): string[] {
  const wrong = rows.flatMap((row) => faults(row, runs).map((fault) => `- ${row.name}: ${fault}`))
  const rowLimits = rows
    .filter(({ atMostNs }) => atMostNs !== undefined)
    .map((row) => `${row.name} ${inUnit(row, row.atMostNs ?? 0)} ${row.unit}`)
  const limits = rowLimits.length === 0 ? '' : `Limits: ${rowLimits.join(', ')}. `
  const requirement = `${limits}Herdgate must also be faster than every other cache and than RustoCache’s published figures.`
  return wrong.length === 0
    ? [`${requirement} All of this holds.`]
    : [`${requirement} This does not hold for`, '', ...wrong]
}

function faults(row: Row, runs: Runs): string[] {
  const ours = timesOf(row, runs.get(HERDGATE) ?? [])
  if (ours.length === 0) return []
  const { median } = spread(ours)
  const limits: [what: string, ns: number | undefined][] = [
    ['the limit', row.atMostNs],
    ['RustoCache', row.seedNs],
    ...[...runs]
      .filter(([name]) => name !== HERDGATE && name !== BARE)
      .map(([name, theirs]): [string, number | undefined] => {
        const times = timesOf(row, theirs)
        return [name, times.length === 0 ? undefined : spread(times).median]
      }),
  ]
  return limits.flatMap(([what, ns]) =>
    ns !== undefined && median > ns
      ? [`${inUnit(row, Math.round(median))} ${row.unit}, ${what} ${inUnit(row, Math.round(ns))}`]
      : [],
  )
}

const timesOf = ({ name }: Row, runs: readonly Run[]): number[] =>
  runs.flatMap((run) => (typeof run[name] === 'number' ? [run[name]] : []))

function heading(rounds: string, ms: string): string[] {
  return [
    '## The library beside others',
    '',
    `${machine()}. ${INSTALLED.join(', ')}; values by reference where there is a choice.`,
    `CPU time. ${rounds} interleaved rounds of ${ms} ms per row after a warm-up five times as long, each library in a process of its own` +
      (pinned ? ' on one core.' : '; **not pinned to a core.**'),
    '`lru-cache` is not a cache of this kind but the lower bound for all of them. Without a batch call, a library’s single calls are made at once.',
    'RustoCache is written in Rust; its figures are those of its README, from another machine.',
  ]
}

try {
  await main()
} catch (error) {
  console.error(`bench:engine: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
