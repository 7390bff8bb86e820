import { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { Pool } from '../../src/workers/primary/pool.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  processesCanBeStarted()
})

/** Two workers that run a module of the tests. */
function poolOf(module: string, logger: Logger, ended = () => {}): Pool {
  const never = () => {
    throw new Error('it does not ask')
  }
  return new Pool({
    module: join(import.meta.dirname, '../support', module),
    size: 2,
    clock: systemClock,
    logger,
    serve: () => ({
      hello: never,
      append: never,
      take: never,
      release: never,
      get: never,
      put: never,
      forget: never,
      forgetAll: never,
      snapshot: never,
      terminated: never,
    }),
    ended,
  })
}

test('the start fails if workers keep ending before they listen', async () => {
  let ended = 0
  const pool = poolOf('ending-worker.ts', pino({ level: 'silent' }), () => ended++)
  await expect(pool.start()).rejects.toThrow('exit code 3')
  await pool.close()
  expect(ended).toBeGreaterThanOrEqual(5)
  expect(pool.listening).toEqual([])
})

test('the start fails if workers keep failing before they listen, even if they do not end', async () => {
  const pool = poolOf('failing-worker.ts', pino({ level: 'silent' }))
  await expect(pool.start()).rejects.toThrow('workers do not start: the last has failed')
  await pool.close()
  expect(pool.members).toEqual([])
})

test('the start fails if a worker cannot listen', async () => {
  vi.stubEnv('PORT_IS_TAKEN', '1')
  const pool = poolOf('refused-worker.ts', pino({ level: 'silent' }))
  await expect(pool.start()).rejects.toThrow('EADDRINUSE')
  await pool.close()
})

test('after the start a worker that cannot listen is logged and replaced, until one can', async () => {
  const lines: string[] = []
  const pool = poolOf('refused-worker.ts', pino({ base: null }, { write: (line) => void lines.push(line) }))
  await pool.start()
  vi.stubEnv('PORT_IS_TAKEN', '1')
  pool.listening[0]?.kill()
  const refusals = () => lines.filter((line) => line.includes('a worker cannot listen: EADDRINUSE'))
  await expect.poll(() => refusals().length).toBeGreaterThanOrEqual(3)
  vi.unstubAllEnvs()
  await expect.poll(() => pool.listening.length).toBe(2)
  await pool.close()
})

test('a worker that was told to end, and is killed before it is replaced, has one successor', async () => {
  const pool = poolOf('refused-worker.ts', pino({ level: 'silent' }))
  await pool.start()
  const [worker] = pool.listening
  worker?.kill()
  await expect.poll(() => pool.members.some((member) => member === worker)).toBe(false)
  await expect.poll(() => pool.listening.length).toBe(2)
  if (worker !== undefined) pool.replace(worker)
  expect(pool.members.length).toBe(2)
  await pool.close()
})

const NODE = process.execPath
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node's types leave it out
const processes = ChildProcess.prototype as unknown as { spawn(): unknown }

/** Reasons why no process can be started, as Node reports them. */
const NO_PROCESS: Readonly<Record<string, () => void>> = {
  'the executable is gone (ENOENT)'() {
    process.execPath = '/nowhere/node'
  },
  'no file can be opened (EMFILE)'() {
    vi.spyOn(processes, 'spawn').mockImplementation(function (this: ChildProcess) {
      process.nextTick(() => this.emit('error', new Error('spawn node EMFILE')))
    })
  },
  'there is no memory (ENOMEM)'() {
    vi.spyOn(processes, 'spawn').mockImplementation(() => {
      throw new Error('spawn ENOMEM')
    })
  },
}

function processesCanBeStarted(): void {
  vi.restoreAllMocks()
  process.execPath = NODE
}

test.each(Object.entries(NO_PROCESS))(
  'when %s a worker is started later, and close() does not wait for it',
  async (_, begin) => {
    const lines: string[] = []
    const pool = poolOf('refused-worker.ts', pino({ base: null }, { write: (line) => void lines.push(line) }))
    await pool.start()
    begin()
    pool.listening[0]?.kill()
    const failures = () => lines.filter((line) => line.includes('a worker could not be started: spawn'))
    await expect.poll(() => failures().length).toBeGreaterThanOrEqual(3)
    expect(pool.listening.length).toBe(1)
    processesCanBeStarted()
    await expect.poll(() => pool.listening.length).toBe(2)
    begin()
    pool.listening[0]?.kill()
    const before = failures().length
    await expect.poll(() => failures().length).toBeGreaterThan(before)
    await pool.close()
  },
)

test.each(Object.entries(NO_PROCESS))('when %s the start fails', async (_, begin) => {
  const pool = poolOf('refused-worker.ts', pino({ level: 'silent' }))
  begin()
  await expect(pool.start()).rejects.toThrow(/workers do not start: .*spawn/)
  await pool.close()
})
