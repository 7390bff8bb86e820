/**
 * Load scenarios, each of which shows one thing:
 * `npm run load -- SCENARIO... [--short] [--seconds N] [--with k6|node]`.
 * Starts and stops everything a scenario needs. Exits with 0 if all succeed, otherwise with the first failure's code.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { interruptionBySignals } from './lib/interruption.ts'
import { type Amount, PLANS, type Plan } from './stage/plans.ts'
import { startStage } from './stage/stage.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const RESULTS = `${HERE}results`

type Runner = 'k6' | 'node'

const interruption = interruptionBySignals()

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { short: { type: 'boolean', default: false }, seconds: { type: 'string' }, with: { type: 'string' } },
  })
  if (positionals.length === 0) throw new Error(`which scenario? There are ${Object.keys(PLANS).join(', ')}`)
  const plans = positionals.map((name) => [name, planOf(name)] as const)
  const runner = runnerOf(values.with)
  await mkdir(RESULTS, { recursive: true })
  const seconds = values.seconds === undefined ? undefined : wholeSeconds(values.seconds)
  for (const [name, plan] of plans) {
    const amount = values.short ? plan.short : plan.full
    const code = await perform(name, plan, runner, { ...amount, seconds: seconds ?? amount.seconds })
    if (code !== 0) process.exitCode ??= code
  }
}

function planOf(name: string): Plan {
  const plan = Object.hasOwn(PLANS, name) ? PLANS[name] : undefined
  if (plan === undefined) throw new Error(`no scenario ${name}; there are ${Object.keys(PLANS).join(', ')}`)
  return plan
}

function wholeSeconds(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error('--seconds wants a whole number of seconds')
  return Number(text)
}

function runnerOf(wanted: string | undefined): Runner {
  if (wanted !== undefined && wanted !== 'k6' && wanted !== 'node') throw new Error('--with wants k6 or node')
  const runner = wanted ?? (hasK6() ? 'k6' : 'node')
  if (runner === 'k6' && !hasK6()) {
    throw new Error(
      'k6 is not on the PATH, and not installed by this project: AGPL. See https://k6.io, or use --with node',
    )
  }
  return runner
}

const hasK6 = (): boolean => spawnSync('k6', ['version']).status === 0

/** @returns the exit code of the runner */
async function perform(scenario: string, plan: Plan, runner: Runner, amount: Amount): Promise<number> {
  const { users, rate, seconds } = amount
  await using stage = await startStage(plan)
  interruption.throwIfAborted()
  const variables = {
    ...stage.variables,
    SCENARIO: scenario,
    RESULTS,
    USERS: String(users),
    RATE: String(rate),
    SECONDS: String(seconds),
  }
  const [command, ...args] = commandOf(runner, `${HERE}k6/scenarios/${scenario}.ts`)
  const child = spawn(command, args, { env: { ...process.env, ...variables }, stdio: 'inherit' })
  return await codeOf(child) // the stage is needed until then
}

function commandOf(runner: Runner, script: string): [string, ...string[]] {
  if (runner === 'node') return [process.execPath, `${HERE}runner/main.ts`, script]
  return ['k6', 'run', '--quiet', '--no-usage-report', '--include-system-env-vars', script]
}

async function codeOf(child: ChildProcess): Promise<number> {
  interruption.addEventListener('abort', () => child.kill('SIGINT'))
  const [code, signal] = await once(child, 'exit')
  if (signal !== null) throw new Error(`ended by ${signal}`)
  return Number(code)
}

try {
  await main()
} catch (error) {
  console.error(`load: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
