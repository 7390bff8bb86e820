/**
 * Runs a scenario written for k6 where there is none: `node load-tests/runner/main.ts SCENARIO.ts`. Variables of the
 * environment are those of the scenario. Ends with 0, or as k6 does with 99 when a threshold does not hold.
 */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Options } from 'k6/options'
import { checkTallies } from './checks.ts'
import { createUser, during } from './context.ts'
import { play } from './executors.ts'
import { failureTallies } from './failures.ts'
import { provideModules } from './modules.ts'
import * as registry from './registry.ts'

/** What k6 ends with when a threshold does not hold. */
const THRESHOLDS_BROKEN = 99
/** How often k6 looks whether one must end the run. */
const ABORT_CHECKED_MS = 2_000

type Exported = (given?: unknown) => unknown
type Script = Readonly<Record<string, unknown>>

const BUILT_IN = {
  checks: 'rate',
  http_reqs: 'counter',
  http_req_duration: 'trend',
  http_req_failed: 'rate',
  iterations: 'counter',
  iterations_failed: 'counter',
  iteration_duration: 'trend',
  dropped_iterations: 'counter',
} as const

async function main(path: string): Promise<void> {
  provideModules()
  Object.assign(globalThis, { __ENV: { ...process.env } })
  for (const [name, type] of Object.entries(BUILT_IN)) registry.declare(name, type)
  const script: Script = await import(pathToFileURL(resolve(path)).href)
  const options = (script['options'] ?? {}) as Options
  if (options.scenarios === undefined) throw new Error('this runner wants options.scenarios')
  registry.require({ ...options.thresholds, iterations_failed: ['count==0'] })

  const began = performance.now()
  const elapsedMs = () => performance.now() - began
  await perform(script, options.scenarios, elapsedMs)
  await report(script, elapsedMs())
  const broken = registry.broken(elapsedMs())
  for (const line of broken) console.error(`threshold broken: ${line}`)
  if (broken.length > 0) process.exitCode = THRESHOLDS_BROKEN
}

async function perform(
  script: Script,
  scenarios: NonNullable<Options['scenarios']>,
  elapsedMs: () => number,
): Promise<void> {
  const abort = new AbortController()
  const watch = setInterval(() => {
    if (registry.mustAbort(elapsedMs())) abort.abort()
  }, ABORT_CHECKED_MS)
  try {
    const data = await aside(script, 'setup')
    await play(scenarios, (exec) => bind(script, exec, data), abort.signal)
    await aside(script, 'teardown', data)
  } finally {
    clearInterval(watch)
  }
}

/** k6 gives each user a copy of what setup returned, as JSON. */
function bind(script: Script, exec: string, data: unknown): () => unknown {
  const run = exported(script, exec)
  if (run === undefined) throw new Error(`the scenario exports no ${exec}`)
  const text = JSON.stringify(data)
  return () => run(text === undefined ? undefined : JSON.parse(text))
}

/** Setup or teardown, by a user of their own. */
async function aside(script: Script, name: string, data?: unknown): Promise<unknown> {
  const user = createUser()
  try {
    return await during({ user, scenario: name, iteration: 0 }, async () => exported(script, name)?.(data))
  } finally {
    await user.connections.destroy()
  }
}

function exported(script: Script, name: string): Exported | undefined {
  const value = script[name]
  return typeof value === 'function' ? (value as Exported) : undefined
}

/** handleSummary is given as much of k6's object as is known here, and what failed; it says what goes where. */
async function report(script: Script, elapsedMs: number): Promise<void> {
  const summary = {
    metrics: registry.summarize(elapsedMs),
    root_group: { name: '', checks: checkTallies(), groups: [] },
    failures: failureTallies(),
    state: { testRunDurationMs: elapsedMs },
  }
  const output = exported(script, 'handleSummary')?.(summary) ?? {}
  for (const [target, content] of Object.entries(output as Record<string, string>)) {
    if (target === 'stdout') process.stdout.write(content)
    else if (target === 'stderr') process.stderr.write(content)
    else await writeFile(target, content)
  }
}

const [path] = process.argv.slice(2)
try {
  if (path === undefined) throw new Error('which scenario?')
  await main(path)
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
