import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type RawResults, rawResultsSchema, suiteFolder } from './suite.ts'

/** A server in a process of its own, which ends when this is disposed of. */
export interface Started extends AsyncDisposable {
  readonly url: string
}

const START_TIMEOUT_MS = 60_000
const SUITE_TIMEOUT_MS = 240_000

/** The suite's own origin, on a free port. */
export async function startSuiteOrigin(): Promise<Started> {
  const scratch = await mkdtemp(join(tmpdir(), 'conformance-'))
  const child = spawn(process.execPath, ['server/server.mjs'], {
    cwd: suiteFolder,
    env: suiteEnv({ protocol: 'http', port: '0', pidfile: join(scratch, 'pid') }),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await firstLine(child, /^Listening on /)
  const port = /:(\d+)\/$/.exec(line)?.[1]
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await end(child)
      await rm(scratch, { recursive: true })
    },
  }
}

/** Runs the suite's command line against a proxy of the suite's origin. */
export async function runSuite(base: string): Promise<RawResults> {
  const child = spawn(process.execPath, ['--no-warnings', 'cli.mjs'], {
    cwd: suiteFolder,
    env: suiteEnv({ base, id: '' }),
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: SUITE_TIMEOUT_MS,
  })
  const exited = once(child, 'exit')
  let output = ''
  for await (const chunk of child.stdout.setEncoding('utf8') as AsyncIterable<string>) output += chunk
  const [code, signal] = await exited
  if (code !== 0) throw new Error(`the suite ended with ${code ?? signal}`)
  return rawResultsSchema.parse(JSON.parse(output.slice(output.indexOf('{\n'))))
}

/** The suite reads npm's variables, and those of its own package if they are missing. */
function suiteEnv(settings: Record<string, string>): NodeJS.ProcessEnv {
  const own = Object.entries(settings).flatMap(([name, value]) => [
    [`npm_config_${name}`, value],
    [`npm_package_config_${name}`, value],
  ])
  return { ...process.env, ...Object.fromEntries(own) }
}

/** The first line of output that matches; later output is discarded, so that the process never blocks on the pipe. */
async function firstLine(child: ChildProcess, pattern: RegExp): Promise<string> {
  if (child.stdout === null) throw new Error('its output is not piped')
  const lines = createInterface({ input: child.stdout })
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS)
  const found = new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => pattern.test(line) && resolve(line))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it was listening`)))
    deadline.addEventListener('abort', () => reject(new Error('did not start in time')))
  })
  return found.catch(async (error: unknown) => {
    await end(child)
    throw error
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exited
  clearTimeout(killer)
}
