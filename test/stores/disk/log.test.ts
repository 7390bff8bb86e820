import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { InvalidationLog, Stamp } from '../../../src/model.ts'
import { Events } from '../../../src/events.ts'
import { openDiskFile } from '../../../src/stores/disk/file.ts'
import { diskLog } from '../../../src/stores/disk/log.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { logContract } from '../log-contract.ts'

logContract('diskLog', () => diskLog({ path: temporaryFolder() }))

const stampIn = ({ generation, position }: InvalidationLog, tags: string[]): Stamp => ({
  url: 'u',
  tags,
  generation,
  position,
  checked: position,
  startedAt: 0,
})

test('position, identity and named targets survive a restart', async () => {
  const path = temporaryFolder()
  const before = diskLog({ path })
  const stamp = stampIn(before, ['t'])
  await before.append('purge', { tags: ['t'] })
  const later = stampIn(before, ['t'])
  await before.close()

  const after = diskLog({ path })
  expect(after.position).toBe(1)
  expect(after.verdict(stamp)).toBe('dead')
  expect(after.verdict(later)).toBe('valid')
  await after.close()
})

test('two logs on one folder are one log', async () => {
  const path = temporaryFolder()
  const [one, other] = [diskLog({ path }), diskLog({ path })]
  const stamp = stampIn(other, ['t'])
  expect(other.verdict(stamp)).toBe('valid')
  await one.append('invalidate', { tags: ['t'] })
  expect(other.verdict(stamp)).toBe('stale')
  expect(other.position).toBe(1)
  await other.append('purge', { all: true })
  expect(one.verdict(stamp)).toBe('dead')
  await one.close()
  await other.close()
})

test('concurrent appends get a position each', async () => {
  const path = temporaryFolder()
  const logs = [diskLog({ path }), diskLog({ path })]
  const receipts = await Promise.all(
    Array.from({ length: 20 }, (_, n) => logs[n % 2]?.append('purge', { tags: [`t${n}`] })),
  )
  expect(new Set(receipts.map((receipt) => receipt?.position)).size).toBe(20)
  expect(logs[0]?.position).toBe(20)
  await Promise.all(logs.map((log) => log.close()))
})

test('a purge of very many names is split into several records, and other appends get their turn in between', async () => {
  const path = temporaryFolder()
  const logs = [diskLog({ path }), diskLog({ path })] as const
  const tags = Array.from({ length: 12_000 }, (_, n) => `t${n}`)
  const stamps = tags.map((tag) => stampIn(logs[1], [tag]))
  const [many, one] = await Promise.all([
    logs[0].append('purge', { tags }, 60_000),
    logs[1].append('purge', { tags: ['another'] }, 60_000),
  ])
  expect(one.position).toBeLessThan(many.position)
  expect(logs[1].position).toBe(many.position)
  for (const log of logs) expect(new Set(stamps.map((stamp) => log.verdict(stamp)))).toEqual(new Set(['dead']))
  expect(logs[0].verdict(stampIn(logs[0], ['t0']))).toBe('valid')
  for (const log of logs) await log.close()
})

test('targets beyond the limit are forgotten in the file too, and everything older counts as purged', async () => {
  const path = temporaryFolder()
  const log = diskLog({ path, maxTargets: 10 })
  const old = stampIn(log, ['t'])
  await log.append('purge', { tags: ['t'] })
  for (let n = 0; n < 30; n++) await log.append('purge', { tags: [`other${n}`] })
  const recent = stampIn(log, ['t'])
  const file = openDiskFile(path)
  expect([...file.tables.targets.getKeys()].length).toBeLessThanOrEqual(10)
  await file.close()
  await log.close()

  const after = diskLog({ path, maxTargets: 10 })
  expect(after.verdict(old)).toBe('dead')
  expect(after.verdict(recent)).toBe('valid')
  await after.close()
})

test('very many targets are forgotten a few at a time, and what they named stays purged', async () => {
  const path = temporaryFolder()
  const log = diskLog({ path, maxTargets: 2_000 })
  const tags = Array.from({ length: 2_050 }, (_, n) => `t${n}`)
  const stamps = tags.map((tag) => stampIn(log, [tag]))
  await log.append('purge', { tags: tags.slice(0, 2_000) })
  const recent = tags.slice(2_000)
  for (const tag of recent) await log.append('purge', { tags: [tag] })
  const file = openDiskFile(path)
  const left = [...file.tables.targets.getKeys()].length
  expect(left).toBeGreaterThan(1_900)
  expect(left).toBeLessThanOrEqual(2_000)
  await file.close()
  await log.close()

  const after = diskLog({ path, maxTargets: 2_000 })
  expect(new Set(stamps.map((stamp) => after.verdict(stamp)))).toEqual(new Set(['dead']))
  expect(after.verdict(stampIn(after, ['t0']))).toBe('valid')
  await after.close()
})

test('what was purged stays purged when the folder is removed twice', async () => {
  const path = join(temporaryFolder(), 'cache')
  const clock = new FakeClock()
  const log = diskLog({ path, clock })
  const [purged, other] = [stampIn(log, ['t']), stampIn(log, ['other'])]
  await log.append('purge', { tags: ['t'] })
  for (let time = 0; time < 3; time++) {
    const { generation } = log
    rmSync(path, { recursive: true })
    await clock.advance(1_000)
    expect(log.synced).toBe(true)
    expect(log.generation).not.toBe(generation)
    expect([purged, other].map((stamp) => log.verdict(stamp))).toEqual(['dead', 'stale'])
  }
  await log.close()
})

describe('files that were put back from a copy', () => {
  /** A log, a copy of its files, and what was stored before that was made. */
  async function copied() {
    const [path, copy] = [join(temporaryFolder(), 'cache'), join(temporaryFolder(), 'copy')]
    const log = diskLog({ path })
    await log.append('purge', { tags: ['another'] })
    const stamps = [stampIn(log, ['t']), stampIn(log, ['other'])]
    await log.close()
    cpSync(path, copy, { recursive: true })
    return { path, copy, verdicts: (log: InvalidationLog) => stamps.map((stamp) => log.verdict(stamp)) }
  }

  test('have a log of their own: nothing stored before is valid, as purges since are not in it', async () => {
    const { copy, verdicts } = await copied()
    for (let time = 0; time < 2; time++) {
      const log = diskLog({ path: copy })
      expect(verdicts(log)).toEqual(['stale', 'stale'])
      await log.append('purge', { tags: ['new'] })
      expect(log.position).toBe(time + 1) // it survives a restart
      await log.close()
    }
  })

  test('do not bring back what a running process knows to be purged', async () => {
    const { path, copy, verdicts } = await copied()
    const clock = new FakeClock()
    const log = diskLog({ path, clock })
    expect(verdicts(log)).toEqual(['valid', 'valid'])
    await log.append('purge', { tags: ['t'] })
    rmSync(path, { recursive: true })
    cpSync(copy, path, { recursive: true })
    const isReadAgain = async () => {
      await clock.advance(10_000)
      return log.synced
    }
    await vi.waitUntil(isReadAgain, { timeout: 30_000 })
    expect(verdicts(log)).toEqual(['dead', 'stale'])
    await log.close()
  })
})

describe('when too many records cannot be written, one that names everything replaces them, and that is reported', () => {
  test.each([
    { what: 'records', most: 10_000, names: 1 },
    { what: 'names', most: 4, names: 25_000 },
  ])('too many $what', async ({ most, names }) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    const events = new Events()
    const emitted: string[] = []
    events.on('log', ({ what }) => void emitted.push(what))
    const log = diskLog({ path: join(folder, 'file', 'below'), clock: new FakeClock(), events })
    const named = stampIn(log, ['none'])
    const append = async (number: number) => {
      const tags = Array.from({ length: names }, (_, n) => `${number} ${n}`)
      await log.append('purge', { tags }).catch(() => {})
    }
    for (let number = 0; number < most; number++) await append(number)
    expect([log.verdict(named), emitted]).toEqual(['stale', []])
    await append(most)
    expect([log.verdict(named), emitted]).toEqual(['dead', ['overflow']])
    await log.close()
  })
})

test('a stamp with a position the log never had is not trusted', async () => {
  const log = diskLog({ path: temporaryFolder() })
  expect(log.verdict({ ...stampIn(log, ['t']), position: 1_000, checked: 1_000 })).toBe('stale')
  await log.close()
})

test.each(['state', 'targets', 'records'] as const)('with garbage in %s, nothing purged comes back', async (table) => {
  const path = temporaryFolder()
  const log = diskLog({ path })
  const purged = stampIn(log, ['t'])
  await log.append('purge', { tags: ['t'] })
  const file = openDiskFile(path)
  await file.write(() => {
    const keys = [...file.tables[table].getKeys()].map((key) => Buffer.from(key))
    for (const key of keys) file.tables[table].putSync(key, Buffer.from('["purge","__proto__"'))
  })
  await file.close()
  expect(log.verdict(purged)).not.toBe('valid')
  await log.close()

  const after = diskLog({ path })
  expect(after.verdict(purged)).not.toBe('valid')
  const fresh = stampIn(after, ['new'])
  expect(after.verdict(fresh)).toBe('valid')
  await after.append('purge', { tags: ['new'] })
  expect(after.verdict(fresh)).toBe('dead')
  await after.close()
})

test('an append that cannot be written rejects, applies in this process at once, and is written as soon as possible', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const clock = new FakeClock()
  const path = join(file, 'below')
  const log = diskLog({ path, clock })
  expect(log.synced).toBe(false)
  const appended = log.append('purge', { tags: ['t'] })
  await expect(appended).rejects.toThrow('not logged: the invalidation log on disk cannot be read')
  await expect(appended).rejects.toHaveProperty('code', 'not_logged')
  expect([log.verdict(stampIn(log, ['t'])), log.verdict(stampIn(log, ['other']))]).toEqual(['dead', 'stale'])
  await clock.advance(20_000)
  expect(log.position).toBe(0)

  rmSync(file)
  await clock.advance(20_000)
  const other = diskLog({ path, clock })
  await expect.poll(() => other.position).toBe(1)
  await log.close()
  await other.close()
})

test('a purge whose record cannot be read after it was written stays in force, and is logged again', async () => {
  const path = temporaryFolder()
  const clock = new FakeClock()
  const log = diskLog({ path, clock })
  const stamp = stampIn(log, ['t'])
  const appended = log.append('purge', { tags: ['t'] })
  rmSync(join(path, 'herdgate-1.mdb-lock'))
  clock.stall(1_000)
  expect([log.synced, log.verdict(stamp)]).toEqual([false, 'dead']) // the file is in doubt, and its record on its way
  await expect(appended).rejects.toMatchObject({ code: 'not_logged' })
  expect(log.verdict(stamp)).toBe('dead')
  for (const name of ['herdgate-1.mdb', 'herdgate-1.mdb-lock']) rmSync(join(path, name), { force: true })
  const isLogged = async () => {
    await clock.advance(10_000)
    return log.position === 1
  }
  await vi.waitUntil(isLogged, { timeout: 30_000 })
  expect(log.verdict(stamp)).toBe('dead')
  await log.close()
})

test('a record that is written while the log is being closed is acknowledged', async () => {
  const log = diskLog({ path: temporaryFolder() })
  const appended = log.append('purge', { tags: ['t'] })
  await log.close()
  expect(await appended).toMatchObject({ position: 1 })
})
