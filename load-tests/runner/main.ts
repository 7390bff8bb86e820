/**
 * Runs a scenario written for k6 without k6: `node load-tests/runner/main.ts SCENARIO.ts`. The scenario gets the
 * environment variables of this process. Exits with 0, or like k6 with 99 if a threshold does not hold.
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

/** k6's exit code if a threshold does not hold. */
const THRESHOLDS_BROKEN = 99
/** How often k6 checks whether a threshold must abort the run. */
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

/** As in k6, `data` is passed as a JSON copy. */
function bind(script: Script, exec: string, data: unknown): () => unknown {
  const run = exported(script, exec)
  if (run === undefined) throw new Error(`the scenario exports no ${exec}`)
  const text = JSON.stringify(data)
  return () => run(text === undefined ? undefined : JSON.parse(text))
}

/** Runs setup or teardown, with a user of its own. */
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

/** handleSummary gets the part of k6's object known here, and what failed; it returns contents by destination. */
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
