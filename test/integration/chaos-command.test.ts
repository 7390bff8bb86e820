import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'

const TIMEOUT_MS = 120_000
const cwd = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'herdgate-chaos-command-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** @throws when the exit code is not 0: when an answer was wrong */
async function chaos(...args: string[]): Promise<string> {
  const command = ['load-tests/chaos.ts', ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd, timeout: TIMEOUT_MS })
  return stdout
}

test('npm run chaos injects faults into real nodes, and no answer is wrong', {
  timeout: 2 * TIMEOUT_MS,
}, async () => {
  const saved = join(folder, 'run.json')
  const few = ['--requests', '100', '--nodes', '1']
  const first = await chaos('--pattern', 'stampede', ...few, '--save', saved)
  expect(first).toMatch(/^\| stampede \| 100 \| 0 \| 0 \|.*\| 1, 0 \| \d+ \| \d+ \|$/m)
  const second = await chaos('--pattern', 'stampede', ...few, '--compare', saved)
  expect(second).toMatch(/^\| stampede \| [\d.]+ \| [\d.]+ \| [+-][\d.]+ \(/m)
})
