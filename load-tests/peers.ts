/**
 * Compares Herdgate with other caches:
 * `npm run bench:peers [-- --rounds N --starts N --seconds N --only NAME --write]`.
 * Measures server CPU time per request, throughput and the 99th percentile; each server in turn with Herdgate, alone on
 * one core, with load generator and origin on the other. Builds the package first. The exit code is 1 if a limit is
 * exceeded.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chart } from './peers/chart.ts'
import { judge } from './peers/claims.ts'
import { CACHE_PROGRAMS } from './peers/configurations.ts'
import { runContests } from './peers/contests.ts'
import type { Given } from './lib/given.ts'
import { meetHerd, type HerdRound } from './peers/herd.ts'
import { memoryFolder } from './peers/memory-folder.ts'
import { compiled, install, pathOf } from './peers/programs.ts'
import { herdTable, overviewTable, scenarioTables } from './peers/report.ts'
import { type HerdResults, note, type Results } from './peers/results.ts'
import { CONNECTIONS, measure, SCENARIOS, warm } from './peers/scenarios.ts'
import {
  cacheVersions,
  ETAG,
  HERDGATE,
  LARGE,
  originFields,
  type Peers,
  SMALL,
  startBytes,
  startCaches,
  startProxy,
  type TakesPart,
} from './peers/servers.ts'
import { interruptionBySignals } from './lib/interruption.ts'
import { pinned, startAnnouncing, startServer } from './lib/processes.ts'
import { machine, writeBeside, writeSection } from './lib/written.ts'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))
const WRK = { program: 'wrk', debianPackage: 'wrk' }

interface Plan {
  readonly rounds: number
  /** How often all servers are started. */
  readonly starts: number
  readonly seconds: number
  /** Names of the servers to compare with; all if empty. */
  readonly only: readonly string[]
  readonly folder: string
  readonly wrk: string
  /** Path of the compiled C loop; undefined without a compiler. */
  readonly ceiling: string | undefined
  /** Aborted by SIGINT or SIGTERM. */
  readonly interrupted: AbortSignal
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '8' },
      starts: { type: 'string', default: '4' },
      seconds: { type: 'string', default: '1' },
      only: { type: 'string', multiple: true, default: [] },
      write: { type: 'boolean', default: false },
    },
  })
  install([...CACHE_PROGRAMS, WRK])
  const wrk = pathOf(WRK.program)
  if (wrk === undefined) throw new Error('the load is made by wrk, which is not installed')
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: REPOSITORY })
  const folder = mkdtempSync(join(memoryFolder(), 'herdgate-bench-'))
  chmodSync(folder, 0o755) // some caches go on as a user of their own
  const interrupted = interruptionBySignals()
  try {
    const ceiling = compiled(join(import.meta.dirname, 'peers', 'ceiling.c'), folder)
    const [rounds, seconds] = [whole('rounds', values.rounds), whole('seconds', values.seconds)]
    const starts = Math.min(whole('starts', values.starts), rounds)
    const plan = { rounds, starts, seconds, only: values.only, folder, wrk, ceiling, interrupted }
    const { results, faults } = await runScenarios(plan)
    const herds = await runHerds(plan)
    const { lines: claims, hold } = judge(results)
    const lines = [...heading(plan), ...faults, '', ...claims, ...scenarioTables(results), ...herdTable(herds)]
    console.log(lines.join('\n'))
    if (values.write) {
      writeSection('peers', [...lines, '', '![Server CPU time per request, by server](benchmarks.svg)'])
      writeSection('peers', overviewTable(results, herds), 'README.md')
      writeBeside('benchmarks.svg', chart(results))
    }
    if (!hold) process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function runScenarios(plan: Plan): Promise<{ results: Results; faults: string[] }> {
  const { wrk, ceiling, folder, seconds } = plan
  const takesPart = participants(plan)
  await using scope = new AsyncDisposableStack()
  const origin = scope.use(
    ceiling === undefined
      ? await startServer('generator', ['load-tests/bench/origin.ts'])
      : await startAnnouncing('generator', ceiling, [originFields()]),
  )
  return await runContests({
    ...plan,
    start: async (each) => {
      const caches = await startCaches(each, folder, origin, takesPart)
      const bytes = await startBytes(each, ceiling, await hitOf(caches), takesPart)
      return [...caches, ...bytes, ...(await startProxy(each, origin, takesPart))]
    },
    warm: (peer, scenario, turn) => warm(wrk, peer, scenario, origin, turn),
    measure: (peer, scenario) => measure(wrk, peer, scenario, origin, seconds),
  })
}

async function runHerds(plan: Plan): Promise<HerdResults> {
  await using scope = new AsyncDisposableStack()
  const origin = scope.use(await startServer('generator', ['load-tests/peers/slow-origin.ts']))
  const caches = await startCaches(scope, plan.folder, origin, participants(plan))
  const results = new Map<string, HerdRound[]>()
  for (let round = 0; round <= plan.rounds; round += 1) {
    for (const peer of caches) {
      plan.interrupted.throwIfAborted()
      const met = await meetHerd(peer, origin, `/herd/${peer.port}/${round}`)
      if (round > 0) note(results, peer.name, met)
    }
  }
  return results
}

/** Herdgate's answer to a hit, for the servers without a cache to send. */
async function hitOf([herdgate]: Peers): Promise<Given> {
  const url = `http://127.0.0.1:${herdgate.port}${SMALL.path}`
  await (await fetch(url)).text()
  const hit = await fetch(url)
  const cacheStatus = hit.headers.get('cache-status') ?? ''
  if (!/;\s*hit/.test(cacheStatus)) throw new Error(`no hit: ${cacheStatus}`)
  const framing = new Set(['connection', 'keep-alive', 'date', 'content-length'])
  const fields = Object.fromEntries([...hit.headers].filter(([name]) => !framing.has(name)))
  return { fields, bodyBytes: { [SMALL.path]: SMALL.bytes, [LARGE.path]: LARGE.bytes }, etag: ETAG }
}

function participants({ only }: Plan): TakesPart {
  return (name) => name === HERDGATE || only.length === 0 || only.includes(name)
}

function heading(plan: Plan): string[] {
  const { rounds, starts, seconds } = plan
  const takesPart = participants(plan)
  const versions = cacheVersions().filter(({ name }) => takesPart(name))
  const absent = CACHE_PROGRAMS.filter(({ program }) => pathOf(program) === undefined).map(({ name }) => name)
  const longer = SCENARIOS.flatMap(({ name, lasts }) =>
    lasts === undefined ? [] : [` (${name}: ${lasts * seconds} s)`],
  )
  const excepted = CACHE_PROGRAMS.flatMap(({ name, program, except }) =>
    except === undefined || pathOf(program) === undefined || !takesPart(name)
      ? []
      : [`${name} is not in ${except.scenario}: ${except.why}.`],
  )
  return [
    '## Beside other caches',
    '',
    `${machine()}. ${versions.map(({ name, version }) => `${name} ${version}`).join(', ')}.`,
    `${rounds} rounds over ${starts} starts of all servers. In each round every server is measured right beside Herdgate for ` +
      `${seconds} s${longer.join('')}, after a second or more of the same load, with ${CONNECTIONS} keep-alive connections. ` +
      '“Herdgate ÷ it” is the ratio of such pairs; Herdgate’s own row covers all of them. ' +
      (pinned
        ? 'The server has one core, load generator and origin the other; all other servers are stopped meanwhile.'
        : '**Not pinned to cores.**'),
    ...(absent.length > 0 ? [`Not installed, so left out: ${absent.join(', ')}.`] : []),
    ...excepted,
  ]
}

function whole(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} wants a whole number from 1`)
  return value
}

try {
  await main()
} catch (error) {
  console.error(`bench:peers: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
