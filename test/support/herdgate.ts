import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The real command in a process of its own. */
export interface Herdgate extends AsyncDisposable {
  /** Base URLs of the data port and the admin port. */
  readonly url: string
  readonly admin: string
  readonly token: string
  readonly child: ChildProcess
  /** Lines written to standard output so far. */
  readonly lines: string[]
  /** Calls the admin API: a POST if there is a body. */
  ask(path: string, body?: unknown): Promise<{ status: number; body: any }>
  /** Resident set size, in bytes. */
  rss(): number
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export const TOKEN = 'a-token-for-tests-of-herdgate'
const START_TIMEOUT_MS = 100_000
/** Longer than Herdgate's own shutdown timeout, so that only a hung process is killed. */
const STOP_TIMEOUT_MS = 45_000
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Starts `herdgate serve` on free ports of the loopback address and waits until it listens.
 * @param detached run in a process group of its own
 */
export async function startHerdgate(
  flags: readonly string[],
  env: Record<string, string> = {},
  { detached = false, cwd = REPOSITORY }: { detached?: boolean; cwd?: string } = {},
): Promise<Herdgate> {
  const ports = ['--host', '127.0.0.1', '--port', '0', '--admin-port', '0', '--admin-token', TOKEN]
  const child = spawn(process.execPath, [join(REPOSITORY, 'src/cli.ts'), 'serve', ...ports, ...flags], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached,
  })
  const lines: string[] = []
  const listening = await firstLine(child, lines, /listening/)
  const [url, admin] = listening.match(/http:\/\/[\w.[\]:-]+:\d+/g) ?? []
  if (url === undefined || admin === undefined) throw new Error(`no addresses in: ${listening}`)

  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exited = once(child, 'exit')
    child.kill(signal)
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(killer)
    return child.exitCode
  }

  return {
    url,
    admin,
    token: TOKEN,
    child,
    lines,
    async ask(path, body) {
      const response = await fetch(`${admin}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.includes('json') === true
      return { status: response.status, body: isJson ? JSON.parse(text) : text }
    },
    rss: () => residentBytes(child.pid ?? 0),
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

/** It is ready and nothing is degraded. */
export async function isFullyReady({ ask }: Herdgate): Promise<boolean> {
  const { status, body } = await ask('/readyz')
  return status === 200 && body.degraded === undefined
}

function residentBytes(pid: number): number {
  const [, kibibytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) * 1024
}

async function firstLine(child: ChildProcess, lines: string[], pattern: RegExp): Promise<string> {
  if (child.stdout === null) throw new Error('its output is not piped')
  const found = Promise.withResolvers<string>()
  const deadline = setTimeout(() => found.reject(new Error('did not start in time')), START_TIMEOUT_MS)
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    if (pattern.test(line)) found.resolve(line)
  })
  child.once('exit', (code) => found.reject(new Error(`ended with ${code} before it was listening`)))
  try {
    return await found.promise
  } finally {
    clearTimeout(deadline)
  }
}
