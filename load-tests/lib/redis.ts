import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.ts'

export interface Redis extends AsyncDisposable {
  readonly url: string
}

/**
 * Starts a Redis without persistence, on loopback; undefined if none is installed.
 * @param wanted its port; default: a free one
 */
export async function startRedis(wanted?: number): Promise<Redis | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'herdgate-chaos-redis-'))
  const port = wanted ?? (await freePort())
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve()) // there is no such program
    child.once('exit', () => resolve())
  })
  const ready = new Promise<boolean>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve(true)
    })
    void ended.then(() => resolve(false))
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  if (await ready) return { url: `redis://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop }
  await stop()
  return undefined
}
