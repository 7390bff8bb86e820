import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ZodType } from 'zod'

/** A server in a process of its own; disposing of it ends the process. */
export interface Server extends AsyncDisposable {
  readonly pid: number
  /** Addresses on its `listening` line, in their order. */
  readonly urls: readonly string[]
  /** Lines of standard error until then. */
  readonly errorLines: readonly string[]
  /** Ends it, in 10 s at most after SIGTERM. @returns its exit code, null when a signal ended it */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

/** Which core a process is kept on, where the machine has two and taskset exists. */
export type Core = 'server' | 'generator'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))
const START_TIMEOUT_MS = 30_000
const CORES = { server: '0', generator: '1' } as const

/** Whether server and generator get a core each. */
export const pinned = spawnSync('taskset', ['-c', '0,1', 'true']).status === 0

/** Starts `node` with these arguments and waits until it says that it is listening. */
export async function startServer(core: Core, args: readonly string[]): Promise<Server> {
  const child = spawnNode(core, args)
  const errorLines: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => errorLines.push(line))
  const line = await listeningLine(child, errorLines)
  const urls = [...line.matchAll(/http:\/\/[\w.[\]:-]+:\d+/g)].map(([url]) => url)
  const stop: Server['stop'] = (signal) => end(child, signal)
  return { pid: child.pid ?? 0, urls, errorLines, stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

/** Runs `node` with these arguments to its end. @returns what it printed, read as JSON of that form */
export async function runJson<T>(core: Core, args: readonly string[], form: ZodType<T>): Promise<T> {
  const child = spawnNode(core, args)
  const ended = once(child, 'close')
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const [code] = await ended
  if (code !== 0) throw new Error(`node ${args[0]} ended with ${code}: ${errors}`)
  return form.parse(JSON.parse(output))
}

/** Runs `node` with these arguments. Yields each line it prints, read as JSON; ends with it. */
export async function* runJsonLines(core: Core, args: readonly string[]): AsyncGenerator<unknown, undefined> {
  const child = spawnNode(core, args)
  child.stderr.pipe(process.stderr)
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line)
    return undefined
  } finally {
    await end(child)
  }
}

function spawnNode(core: Core, args: readonly string[]) {
  const [command, ...rest] = pinned
    ? ['taskset', '-c', CORES[core], process.execPath, ...args]
    : [process.execPath, ...args]
  return spawn(command ?? process.execPath, rest, { cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'pipe'] })
}

function listeningLine(child: ChildProcess & { stdout: NodeJS.ReadableStream }, errors: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => fail('did not start in time'), START_TIMEOUT_MS)
    const fail = (why: string): void => {
      clearTimeout(late)
      child.kill('SIGKILL')
      reject(new Error(`${child.spawnargs.join(' ')} ${why}: ${errors.join('\n')}`))
    }
    child.once('exit', (code) => fail(`ended with ${code}`))
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.includes('listening')) return
      clearTimeout(late)
      resolve(line)
    })
  })
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  const killer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exited
  clearTimeout(killer)
  return child.exitCode
}
