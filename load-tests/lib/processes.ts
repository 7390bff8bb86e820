import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ZodType } from 'zod'

/** A server in a process of its own; disposing of it stops the process. */
export interface Server extends AsyncDisposable {
  readonly pid: number
  /** Addresses on its `listening` line, in order. */
  readonly urls: readonly string[]
  /** Lines of standard error so far. */
  readonly errorLines: readonly string[]
  /** Stops it, within 45 s of SIGTERM at most. @returns its exit code; null if a signal ended it */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

/**
 * Which core a process is pinned to, if the machine has two and taskset exists. An observer shares the generator's, and
 * takes priority there if that is allowed.
 */
export type Core = 'server' | 'generator' | 'observer'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const START_TIMEOUT_MS = 60_000
/** Longer than Herdgate waits for requests in flight. */
const STOP_TIMEOUT_MS = 45_000
const CORES = { server: '0', generator: '1', observer: '1' } as const
const TOP_PRIORITY = ['nice', '--adjustment=-20']

/** Whether server and generator get a core each. */
export const pinned = succeeds(['taskset', '-c', '0,1', 'true'])

/** Whether an observer takes priority over a generator: only root may do that, on Linux. */
export const hasObserverPriority = mayRaisePriority()

/** Starts `node` with these arguments and waits until it reports that it is listening. */
export function startServer(core: Core, args: readonly string[]): Promise<Server> {
  return startAnnouncing(core, process.execPath, args)
}

/** Starts a program and waits until it reports that it is listening. */
export async function startAnnouncing(core: Core, program: string, args: readonly string[]): Promise<Server> {
  const child = spawnOn(core, program, args)
  const errorLines: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => errorLines.push(line))
  const line = await listeningLine(child, errorLines)
  const urls = [...line.matchAll(/http:\/\/[\w.[\]:-]+:\d+/g)].map(([url]) => url)
  return serverOf(child, urls, errorLines)
}

/** Starts a program that reports nothing and waits until it accepts connections on the port. */
export async function startUnannounced(
  core: Core,
  program: string,
  args: readonly string[],
  port: number,
): Promise<Server> {
  const child = spawnOn(core, program, args)
  const outputLines: string[] = []
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => outputLines.push(line))
  const until = performance.now() + START_TIMEOUT_MS
  while (!(await isListenedOn(port))) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > until) {
      await end(child)
      throw new Error(`${program} does not listen on port ${port}: ${outputLines.join('\n')}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return serverOf(child, [`http://127.0.0.1:${port}`], outputLines)
}

function serverOf(child: ChildProcess, urls: readonly string[], errorLines: readonly string[]): Server {
  const stop: Server['stop'] = (signal) => end(child, signal)
  return { pid: child.pid ?? 0, urls, errorLines, stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

/** Runs `node` with these arguments to its end. @returns its output, parsed as JSON of that form */
export async function runJson<T>(core: Core, args: readonly string[], form: ZodType<T>): Promise<T> {
  return form.parse(JSON.parse(await run(core, process.execPath, args)))
}

/** Runs a program to its end. @returns its output */
export async function run(core: Core, program: string, args: readonly string[]): Promise<string> {
  const child = spawnOn(core, program, args)
  const ended = once(child, 'close')
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const [code] = await ended
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}: ${errors}`)
  return output
}

/** Runs `node` with these arguments. Yields each line of output, parsed as JSON, until it ends. */
export async function* runJsonLines(core: Core, args: readonly string[]): AsyncGenerator<unknown, undefined> {
  const child = spawnOn(core, process.execPath, args)
  child.stderr.pipe(process.stderr)
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line)
    return undefined
  } finally {
    await end(child)
  }
}

function spawnOn(core: Core, program: string, args: readonly string[]) {
  const place = pinned ? ['taskset', '-c', CORES[core]] : []
  const priority = core === 'observer' && hasObserverPriority ? TOP_PRIORITY : []
  const [command = program, ...rest] = [...place, ...priority, program, ...args]
  return spawn(command, rest, { cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** If it may not, nice(1) complains on standard error, but runs the program all the same. */
function mayRaisePriority(): boolean {
  const { status, stderr } = spawnSync('nice', ['--adjustment=-20', 'true'])
  return status === 0 && stderr.length === 0
}

function succeeds([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, args).status === 0
}

function isListenedOn(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const settle = (listened: boolean) => {
      socket.destroy()
      resolve(listened)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}

function listeningLine(child: ChildProcess & { stdout: NodeJS.ReadableStream }, errors: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const timeout = setTimeout(() => fail('did not start in time'), START_TIMEOUT_MS)
    const fail = (why: string): void => {
      clearTimeout(timeout)
      child.kill('SIGKILL')
      reject(new Error(`${child.spawnargs.join(' ')} ${why}: ${errors.join('\n')}`))
    }
    child.once('exit', (code) => fail(`ended with ${code}`))
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.includes('listening')) return
      clearTimeout(timeout)
      resolve(line)
    })
  })
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(killer)
  return child.exitCode
}
