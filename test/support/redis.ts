/** Real Redis servers, each in a process and a folder of its own, on free ports of the loopback address. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

export interface RedisServer extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly folder: string
  readonly process: ChildProcess
  /** The reply to a command, as redis-cli prints it. */
  cli(...command: string[]): Promise<string>
  /** Stops responding but keeps its connections: a black hole. */
  pause(): void
  resume(): void
  /** Kills it at once, as `kill -9` does. */
  kill(): Promise<void>
  /** Starts it again on the same port after `kill`. Its data is lost unless it was configured to save. */
  restart(): Promise<void>
  /** Kills it and removes its folder. */
  stop(): Promise<void>
}

export interface RedisServerOptions {
  /** Arguments of redis-server, after those for port, folder, and no persistence. */
  readonly flags?: readonly string[]
  /** Use this port instead of any free one. */
  readonly port?: number
}

const START_TIMEOUT_MS = 60_000
const ATTEMPTS = 5
const READY = /Ready to accept connections|Sentinel ID is/

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a server and waits until it accepts connections. */
export async function startRedis({ flags = [], port: wanted }: RedisServerOptions = {}): Promise<RedisServer> {
  ensureInstalled()
  const folder = mkdtempSync(join(tmpdir(), 'herdgate-redis-'))
  const common = ['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', ...flags]
  const startAt = (port: number) => launch('redis-server', ['--port', String(port), ...common])
  const { port, child } = await onFreePort(startAt, wanted)
  return serverOf({ port, folder, child, start: () => startAt(port) })
}

interface Launched {
  readonly port: number
  readonly folder: string
  readonly child: ChildProcess
  readonly start: () => Promise<ChildProcess>
}

/** Wraps a process that listens on a port; `start` starts it again on that port. */
export function serverOf({ port, folder, child: first, start }: Launched): RedisServer {
  let child = first
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL') // works on a paused process too
    await exited
  }
  const stop = async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  }
  return {
    port,
    folder,
    url: `redis://127.0.0.1:${port}`,
    get process() {
      return child
    },
    cli: (...command) => redisCli(port, ...command),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill,
    async restart() {
      await kill()
      child = await start()
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** The output of redis-cli. @throws on an error reply */
export async function redisCli(port: number, ...command: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('redis-cli', ['-e', '-p', String(port), ...command], { timeout: 60_000 })
  return stdout.trimEnd()
}

/** Retries with another free port if the server finds the first one taken. */
export async function onFreePort(
  start: (port: number) => Promise<ChildProcess>,
  wanted?: number,
): Promise<{ port: number; child: ChildProcess }> {
  for (let attempt = 1; ; attempt++) {
    const port = wanted ?? (await freePort())
    try {
      return { port, child: await start(port) }
    } catch (error) {
      if (wanted !== undefined || attempt === ATTEMPTS) throw error
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Starts a server process and waits until it reports ready. @throws with its output if it exits before */
export async function launch(command: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const output: string[] = []
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    output.push(line)
    if (output.length > 50) output.shift()
    if (READY.test(line)) resolve()
  })
  lines.once('close', () => reject(new Error(`${command} ended: ${output.join('\n')}`)))
  const timer = setTimeout(() => {
    reject(new Error(`${command} was not ready in time: ${output.join('\n')}`))
    child.kill('SIGKILL')
  }, START_TIMEOUT_MS)
  try {
    await ready
  } finally {
    clearTimeout(timer)
  }
  return child
}

/** Finds redis-server, or installs it with apt if the user is root. @throws if it is not available */
export function ensureInstalled(): void {
  if (answers('redis-server') && answers('redis-cli')) return
  if (process.getuid?.() !== 0) throw new Error('redis-server and redis-cli are needed on the PATH (Redis 7 or newer)')
  const apt = (...args: string[]) =>
    execFileSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  apt('update', '-qq')
  apt('install', '-qq', '-y', '--no-install-recommends', 'redis-server')
}

function answers(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
