import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Events } from '../../src/events.ts'
import type { InvalidationLog, Kept, Stamp } from '../../src/model.ts'
import { createProxy } from '../../src/server/proxy.ts'
import { doubtOpenFiles } from '../../src/stores/disk/file.ts'
import { diskLog } from '../../src/stores/disk/log.ts'
import { diskStore } from '../../src/stores/disk/store.ts'
import { valid } from '../config/given.ts'
import { response } from '../stores/store-contract.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/waiting.ts'

const SCRIPT = join(import.meta.dirname, '../support/disk-process.ts')

/** Runs a command in another process, and blocks until it has ended. */
function elsewhere(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, ...args])
  expect(stderr.toString()).toBe('')
  expect(status).toBe(0)
}

/** A process that writes without end; resolves when it has written `times` times. */
const writer = (path: string, times: number): Promise<ChildProcess> => saying(times, path, 'write')

async function saying(times: number, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== '' && ++lines >= times) break
  }
  return child
}

const bodyOf = (kept: Kept): string | undefined =>
  typeof kept === 'object' && kept.kind === 'response' ? kept.body.bytes?.toString() : undefined

const stampIn = ({ generation, position }: InvalidationLog, tag = 't'): Stamp => {
  return { url: 'u', tags: [tag], generation, position, checked: position, startedAt: 0 }
}

/** Whether the body is all of what `disk-process.ts` wrote at this key. */
function isWhole(key: string, body: string): boolean {
  const [whose, length] = body.split(' ')
  return whose === key && Number(length) === body.length && body === `${key} ${length} `.padEnd(body.length, key)
}

test('after a process is killed while it writes, what is read back is whole and the log continues', async () => {
  const path = temporaryFolder()
  let position = 0
  for (const times of [1, 7, 20, 43, 90]) {
    const child = await writer(path, times)
    child.kill('SIGKILL')
    await once(child, 'exit')

    const events = new Events()
    const told: string[] = []
    events.on('tier', ({ state }) => void told.push(state))
    const store = diskStore({ path, events })
    const log = diskLog({ path, events })
    const bodies = Array.from({ length: 50 }, (_, n) => ({ key: `k${n}`, body: bodyOf(store.get(`k${n}`) as Kept) }))
    const found = bodies.filter(({ body }) => body !== undefined)
    expect(found.filter(({ key, body = '' }) => !isWhole(key, body))).toEqual([])
    expect(found.length).toBeGreaterThan(0)
    expect(store.usage()[0]?.objects).toBe(found.length)
    expect(log.position).toBeGreaterThan(position)
    expect(told).toEqual([])
    position = log.position
    await store.close()
    await log.close()
  }
})

test('while another process writes, what is read is whole, and what is written here stays', async () => {
  const path = temporaryFolder()
  const child = await writer(path, 5)
  const store = diskStore({ path })
  await store.set('mine', response('mine'), 60_000)
  let seen = 0
  await expect
    .poll(() => {
      for (let n = 0; n < 50; n++) {
        const body = bodyOf(store.get(`k${n}`) as Kept)
        if (body === undefined) continue
        expect(isWhole(`k${n}`, body)).toBe(true)
        seen += 1
      }
      return seen
    })
    .toBeGreaterThan(200)
  expect(bodyOf(await store.get('mine'))).toBe('mine')
  child.kill('SIGKILL')
  await once(child, 'exit')
  await store.close()
})

test('a purge that another process has acknowledged takes effect at once, even within one turn', async () => {
  const path = temporaryFolder()
  const log = diskLog({ path })
  const stamp = stampIn(log)
  expect(log.verdict(stamp)).toBe('valid')
  elsewhere(path, 'purge', 't')
  expect(log.verdict(stamp)).toBe('dead')
  expect(log.position).toBe(1)
  await log.close()
})

test('when another process blocks the disk, a purge fails in time, takes effect here and is logged later', async () => {
  const path = temporaryFolder()
  const log = diskLog({ path })
  const stamp = stampIn(log)
  const holder = await saying(1, path, 'hold')
  await expect(log.append('purge', { tags: ['t'] }, 50)).rejects.toMatchObject({ code: 'not_logged' })
  expect([log.verdict(stamp), log.position]).toEqual(['dead', 0])
  await expect(log.append('purge', { tags: ['other'] })).rejects.toThrow('not logged within 1000 ms')
  holder.kill('SIGKILL')
  await until(() => log.position === 2, 'both have been logged')
  expect(log.verdict(stamp)).toBe('dead')
  await log.close()
})

test('a purge waits until all processes can read it, even beyond waitMs, unless the disk has stalled', async () => {
  const path = temporaryFolder()
  const clock = new FakeClock()
  const log = diskLog({ path, clock })
  const holder = await saying(1, path, 'hold')
  const changed = log.append('purge', { tags: ['t'] }, 100)
  await clock.advance(999)
  holder.kill('SIGKILL')
  expect(await changed).toMatchObject({ position: 1 })

  const again = await saying(1, path, 'hold')
  const [late, next] = [1_000, 100].map((waitMs) => `not logged within ${waitMs} ms`)
  for (const [ms, message] of [
    [1_000, late],
    [100, next],
  ] as const) {
    const lost = expect(log.append('purge', { tags: ['t'] }, 100)).rejects.toThrow(message)
    await clock.advance(ms)
    await lost
  }
  again.kill('SIGKILL')
  await until(() => log.position === 3, 'both have been logged')
  await log.close()
})

test('after the folder is removed, purges in the new one take effect, and earlier ones still do', async () => {
  const path = join(temporaryFolder(), 'cache')
  const clock = new FakeClock()
  const log = diskLog({ path, clock })
  const [purged, other] = [stampIn(log, 'before'), stampIn(log)]
  await log.append('purge', { tags: ['before'] })
  rmSync(path, { recursive: true })
  elsewhere(path, 'purge', 't')
  await clock.advance(1_000)
  expect(log.verdict(other)).toBe('dead')
  expect(log.verdict(purged)).toBe('dead')
  expect(log.verdict(stampIn(log))).toBe('valid')
  expect(log.position).toBe(1)
  await log.close()
})

test('a purge by another process takes effect even if the folder is removed before the purge was read', async () => {
  const path = join(temporaryFolder(), 'cache')
  const clock = new FakeClock()
  const log = diskLog({ path, clock })
  const stamp = stampIn(log, 'before')
  elsewhere(path, 'purge', 'before')
  rmSync(path, { recursive: true })
  await clock.advance(1_000)
  expect(log.verdict(stamp)).toBe('dead')
  await log.close()
})

test('a purge in a folder that was removed is acknowledged once every process has looked for the new one', async () => {
  const path = join(temporaryFolder(), 'cache')
  const clock = new FakeClock()
  const log = diskLog({ path, clock })
  await log.append('purge', { tags: ['before'] })
  rmSync(path, { recursive: true })
  const after = vi.spyOn(clock, 'after')
  let isAcknowledged = false
  const purged = log.append('purge', { tags: ['t'] }).then(() => (isAcknowledged = true))
  await until(() => after.mock.calls.length > 1, 'it has been written, and it waits for the others')
  expect(isAcknowledged).toBe(false)
  await clock.advance(1_000)
  await purged
  await log.close()
})

test('a purge issued while a process was down is honoured when it is back', async () => {
  const path = temporaryFolder()
  const [store, log] = [diskStore({ path }), diskLog({ path })]
  await store.set('k', response('old', stampIn(log)), 60_000)
  await store.close()
  await log.close()
  elsewhere(path, 'purge', 't')

  const [storeAgain, logAgain] = [diskStore({ path }), diskLog({ path })]
  const kept = await storeAgain.get('k')
  expect(bodyOf(kept)).toBe('old')
  expect(logAgain.verdict(kept as Stamp)).toBe('dead')
  await storeAgain.close()
  await logAgain.close()
})

const bodyAt = (file: Buffer): number => file.indexOf('x'.repeat(2_000))

const DAMAGE: Record<string, (file: Buffer) => Buffer> = {
  truncated: (file) => file.subarray(0, file.length >> 1),
  empty: () => Buffer.alloc(0),
  'zeros all over': (file) => Buffer.alloc(file.length),
  'random bytes all over': (file) => Buffer.from(Array.from(file, (_, at) => (at * 7919) & 0xff)),
  'its second half overwritten': (file) => Buffer.from(file).fill(0x5a, file.length >> 1),
  'one octet of a body changed': (file) => Buffer.from(file).fill('y', bodyAt(file), bodyAt(file) + 1),
}

test.each(Object.entries(DAMAGE))('a damaged file (%s) is moved aside, and a new one is begun', async (_, damage) => {
  const path = temporaryFolder()
  const before = diskStore({ path })
  const logBefore = diskLog({ path })
  const stamp = stampIn(logBefore)
  for (let n = 0; n < 200; n++) await before.set(`k${n}`, response('x'.repeat(n * 50), stamp), 60_000)
  await logBefore.append('purge', { tags: ['t'] })
  await before.close()
  await logBefore.close()
  const file = join(path, 'herdgate-1.mdb')
  const damaged = damage(readFileSync(file))
  writeFileSync(file, damaged)

  const events = new Events()
  const told: string[] = []
  events.on('tier', ({ state }) => void told.push(state))
  const [store, log] = [diskStore({ path, events }), diskLog({ path, events })]
  expect(told).toContain('emptied')
  expect(readFileSync(`${file}.damaged`).equals(damaged)).toBe(true)
  expect(await store.get('k1')).toBeUndefined()
  expect(log.verdict(stamp)).toBe('stale')
  await store.set('k1', response('new'), 60_000)
  expect(bodyOf(await store.get('k1'))).toBe('new')
  await store.close()
  await log.close()
})

test.runIf(existsSync('/proc/self/stat'))(
  'a damaged file that a killed process had open is moved aside, though its process id is that of another now',
  async () => {
    const path = temporaryFolder()
    const writing = await writer(path, 3)
    writing.kill('SIGKILL')
    await once(writing, 'exit')
    const users = join(path, 'users')
    renameSync(join(users, String(writing.pid)), join(users, String(process.ppid)))
    const file = join(path, 'herdgate-1.mdb')
    writeFileSync(file, Buffer.alloc(1 << 20, 0x5a))

    const events = new Events()
    const told: string[] = []
    events.on('tier', ({ state }) => void told.push(state))
    const store = diskStore({ path, events })
    await store.set('k', response('x'), 60_000)
    expect([told, bodyOf(await store.get('k'))]).toEqual([['emptied'], 'x'])
    await store.close()
    expect([readdirSync(users), existsSync(join(path, 'closed'))]).toEqual([[], true])
  },
)

/** Store and log of one process, both of which have the file open. */
async function inUse() {
  const path = temporaryFolder()
  const clock = new FakeClock()
  const events = new Events()
  const told: string[] = []
  events.on('tier', ({ state, why }) => void told.push(`${state} ${why}`))
  const [store, log] = [diskStore({ path, clock, events }), diskLog({ path, clock, events })]
  const [stamp, purged] = [stampIn(log), stampIn(log, 'before')]
  for (let n = 0; n < 100; n++) await store.set(`k${n}`, response('x'.repeat(n * 50), stamp), 600_000)
  await log.append('purge', { tags: ['before'] })
  const close = () => Promise.all([store.close(), log.close()])
  const settled = () =>
    expect
      .poll(async () => {
        await clock.advance(10_000)
        return (await store.get('k99')) !== 'unknown' && log.synced
      })
      .toBe(true)
  return { path, file: join(path, 'herdgate-1.mdb'), clock, told, store, log, stamp, purged, settled, close }
}

test.each([0, 5_000, 100_000])(
  'a file that is truncated to %i octets while it is open is no longer read, and moved aside',
  async (length) => {
    const { file, clock, told, store, log, stamp, purged, settled, close } = await inUse()
    truncateSync(file, length)
    await clock.advance(1_000)
    expect([await store.get('k99'), log.synced]).toEqual(['unknown', false])
    expect([log.verdict(stamp), log.verdict(purged)]).toEqual(['stale', 'dead'])
    expect(told[0]).toMatch(/^degraded .*: the file was cut short$/)
    await settled()
    expect(statSync(`${file}.damaged`).size).toBe(length)
    expect(told).toContainEqual(expect.stringMatching(/^emptied /))
    await store.set('k99', response('new'), 60_000)
    expect(bodyOf(await store.get('k99'))).toBe('new')
    expect([log.verdict(stamp), log.verdict(purged), log.verdict(stampIn(log))]).toEqual(['stale', 'dead', 'valid'])
    await close()
  },
)

test('a file whose lock was removed while it is open is written no more: the next process would have another lock', async () => {
  const { file, told, store, log, stamp, settled, close } = await inUse()
  rmSync(`${file}-lock`)
  await expect(store.set('k99', response('lost'), 60_000)).resolves.toBe('lost')
  await expect(log.append('purge', { tags: ['t'] })).rejects.toMatchObject({ code: 'not_logged' })
  expect([log.verdict(stamp), log.synced]).toEqual(['dead', false])
  expect(told[0]).toMatch(/^degraded .*: its lock file was removed$/)
  await settled()
  expect([existsSync(`${file}.damaged`), existsSync(`${file}-lock`)]).toEqual([false, true])
  expect(bodyOf(await store.get('k98'))).toBe('x'.repeat(98 * 50))
  await until(() => log.position === 2, 'the purge has been logged')
  await close()
})

test('a file that may have crashed a process is checked before it is read again, and stays if sound', async () => {
  const { path, file, told, store, log, stamp, settled, close } = await inUse()
  const { generation, position } = log
  doubtOpenFiles()
  expect([await store.get('k99'), log.synced]).toEqual(['unknown', false])
  expect(told[0]).toMatch(/^degraded .*: a process that reads it has crashed$/)
  await expect(store.set('k99', response('lost'), 60_000)).resolves.toBe('lost')
  expect(existsSync(join(path, 'closed'))).toBe(false)
  await settled()
  expect(existsSync(`${file}.damaged`)).toBe(false)
  expect(bodyOf(await store.get('k98'))).toBe('x'.repeat(98 * 50))
  expect({ generation: log.generation, position: log.position }).toEqual({ generation, position })
  expect(log.verdict(stamp)).toBe('valid')
  await close()
  expect(existsSync(join(path, 'closed'))).toBe(true)
})

test.runIf(existsSync('/proc/self/task'))('a damaged file that another process has open stays', async () => {
  const path = temporaryFolder()
  const writing = await writer(path, 3)
  writing.kill('SIGSTOP')
  await until(() => isStopped(writing.pid), 'none of its threads writes any more')
  const file = join(path, 'herdgate-1.mdb')
  const { length } = readFileSync(file)
  writeFileSync(file, Buffer.alloc(length, 0x5a))

  const events = new Events()
  const told: string[] = []
  events.on('tier', ({ state, why }) => void told.push(`${state} ${why}`))
  const store = diskStore({ path, events })
  expect(await store.get('k')).toBe('unknown')
  expect(told).toEqual([expect.stringMatching(`^degraded .* is damaged and in use by process ${writing.pid}$`)])
  await store.close()
})

/** Whether all its threads have stopped: a signal takes a while to arrive. */
const isStopped = (pid: number | undefined): boolean =>
  readdirSync(`/proc/${pid}/task`).every((thread) =>
    /\) T /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')),
  )

/** Scripts run in place of the check: none, one that is killed as when memory runs out, one that fails to start. */
const UNCHECKED: Record<string, string | undefined> = {
  'cannot be started': undefined,
  'is killed': 'kill -KILL $$',
  'fails before it has checked': 'exit 1',
}

/** A folder as a killed process leaves it, with a copy at `k`. */
async function notClosed(): Promise<{ path: string; generation: string }> {
  const path = temporaryFolder()
  const [store, log] = [diskStore({ path }), diskLog({ path })]
  await store.set('k', response('body'), 60_000)
  const { generation } = log
  await store.close()
  await log.close()
  rmSync(join(path, 'closed'))
  return { path, generation }
}

const program = (script: string | undefined): string => {
  const file = join(temporaryFolder(), 'node')
  if (script !== undefined) writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return file
}

test.each(Object.entries(UNCHECKED))('a file whose check %s stays, and is checked again', async (_, script) => {
  const { path, generation } = await notClosed()
  const node = vi.spyOn(process, 'execPath', 'get').mockReturnValue(program(script))
  const clock = new FakeClock()
  const events = new Events()
  const told: string[] = []
  events.on('tier', ({ state, why }) => void told.push(`${state} ${why}`))
  const store = diskStore({ path, clock, events })
  expect(await store.get('k')).toBe('unknown')
  expect(told).toEqual([expect.stringMatching(/^degraded .* could not be checked: /)])
  expect(existsSync(join(path, 'herdgate-1.mdb.damaged'))).toBe(false)

  node.mockRestore()
  await expect
    .poll(async () => {
      await clock.advance(10_000)
      return bodyOf(await store.get('k'))
    })
    .toBe('body')
  expect(told.slice(1, 2)).toEqual([expect.stringMatching(/^degraded .* is being checked$/)])
  expect(told.at(-1)).toMatch(/^working /)
  const log = diskLog({ path })
  expect(log.generation).toBe(generation)
  await store.close()
  await log.close()
})

test('a serving process is not blocked while a file is checked again, once for store and log together', async () => {
  const { path } = await notClosed()
  const runs = join(temporaryFolder(), 'runs')
  const counting = (then: string): string => program(`echo >> ${runs}; ${then}`)
  const countOf = (): number => readFileSync(runs, 'utf8').length
  const real = process.execPath
  const goesOn = join(temporaryFolder(), 'goes-on')
  const wait = `for n in $(seq 600); do [ -e ${goesOn} ] && break; sleep 0.1; done`
  const node = vi.spyOn(process, 'execPath', 'get').mockReturnValue(counting('kill -KILL $$'))
  onTestFinished(() => node.mockRestore())
  const clock = new FakeClock()
  const [store, log] = [diskStore({ path, clock }), diskLog({ path, clock })]
  expect([store.get('k'), log.synced, countOf()]).toEqual(['unknown', false, 1])

  node.mockReturnValue(counting(`${wait}; exec ${real} "$@"`))
  await clock.advance(10_000)
  expect([store.get('k'), log.synced]).toEqual(['unknown', false])
  writeFileSync(goesOn, '')
  await expect
    .poll(async () => {
      await clock.advance(10_000)
      return [log.synced, bodyOf(await store.get('k'))]
    })
    .toEqual([true, 'body'])
  expect(countOf()).toBe(2)
  await store.close()
  await log.close()
})

test('a file that cannot be opened is logged at once', async () => {
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, 'no folder')
  const lines: string[] = []
  const logger = pino({ base: null }, { write: (line) => void lines.push(line) })
  const config = valid({ flags: { origin: ['http://127.0.0.1:1'], disk: join(file, 'cache') } })
  const proxy = createProxy(config, { logger, pretty: false })
  onTestFinished(async () => {
    await proxy.stop()
    await proxy.close()
  })
  expect(lines.join('')).toContain('store disk is out of order')
})

test.runIf(existsSync('/proc/self'))('a folder that cannot be created is reported, and not retried without end', () => {
  const child = spawnSync(process.execPath, [SCRIPT, '/proc/herdgate/cache', 'fill', '1'], { timeout: 100_000 })
  expect(child.error).toBeUndefined()
  expect(JSON.parse(child.stdout.toString())).toMatchObject({
    told: [expect.stringContaining('/proc/herdgate')],
    kept: 'unknown',
  })
})

test.each([1, 2, 3])(
  'a file that is opened with %i file descriptors left is opened or not, but ends no process',
  (left) => {
    const limited = `ulimit -n 200; exec "$0" "$@"`
    const path = temporaryFolder()
    const child = spawnSync('bash', ['-c', limited, process.execPath, SCRIPT, path, 'crowd', String(left)])
    expect([child.status, child.signal], child.stderr.toString()).toEqual([0, null])
    expect(child.stdout.toString()).toMatch(left < 3 ? /^EMFILE: too many open files/ : /^opened/)
    expect(readdirSync(join(path, 'users')).length).toBe(left < 3 ? 0 : 1)
  },
)

/** Whether a folder of a few KiB can be had: a file system in memory, in a user namespace of its own. */
const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp']).status === 0

test.runIf(canMount).each([4, 8, 12, 16])(
  'a process that begins a file where only %i KiB are left goes on without it',
  (kib) => {
    const path = temporaryFolder()
    const mounted = `mount -t tmpfs -o size=${kib}k tmpfs "$2" && exec "$0" "$@"`
    const child = spawnSync('unshare', ['-rm', 'sh', '-c', mounted, process.execPath, SCRIPT, path, 'fill', '1'])
    expect([child.status, child.signal], child.stderr.toString()).toEqual([0, null])
    expect(JSON.parse(child.stdout.toString())).toMatchObject({
      told: [expect.stringContaining('no space left on the disk')],
      kept: 'unknown',
    })
  },
)

test('when the disk is full, the tier is degraded and everything else continues', () => {
  const path = temporaryFolder()
  const limited = `ulimit -f 4096; exec "$0" "$@"` // in KiB: beyond it, writes fail as on a full disk
  const child = spawnSync('bash', ['-c', limited, process.execPath, SCRIPT, path, 'fill', '20000000'])
  expect(child.status, child.stderr.toString()).toBe(0)
  const { told, kept, usage } = JSON.parse(child.stdout.toString()) as { told: string[]; kept: string; usage: unknown }
  expect(told).toEqual([expect.stringMatching(/^degraded .*/)])
  expect(kept).toBe('unknown')
  expect(usage).toMatchObject([{ tier: 'disk', degraded: true }])
})
