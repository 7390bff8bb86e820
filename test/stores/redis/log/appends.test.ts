import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { Events } from '../../../../src/events.ts'
import { type JournalEntry, MAX_ENTRIES } from '../../../../src/stores/log/journal.ts'
import { LiveNodes, type Logged } from '../../../../src/stores/log/live-nodes.ts'
import { targetsOf } from '../../../../src/stores/log/marks.ts'
import { Appends, TARGETS_PER_RECORD } from '../../../../src/stores/redis/log/appends.ts'
import { Closing } from '../../../../src/stores/redis/log/closing.ts'
import { NewestRecord } from '../../../../src/stores/redis/log/newest-record.ts'
import { FakeClock, settle } from '../../../support/fake-clock.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Remembers all listeners by weak reference. */
class WatchedNodes extends LiveNodes {
  readonly listeners: WeakRef<() => void>[] = []

  override onChange(listener: () => void): () => void {
    this.listeners.push(new WeakRef(listener))
    return super.onChange(listener)
  }
}

test("waiters for a record's acknowledgement are released then, not only when the log is closed", async () => {
  const clock = new FakeClock()
  const nodes = new WatchedNodes('self', 5_000, clock)
  nodes.applied('g', 3)
  let position = 0
  const append = () => {
    position++
    return Promise.resolve({ head: { generation: 'g', position, doubtForMs: 0 }, nodes: [], position })
  }
  const log = { generation: 'g', position: 0, nonce: '', holds: () => false }
  const appends = new Appends({
    calls: { append, replicate: () => Promise.resolve() },
    nodes,
    log,
    newest: new NewestRecord(log),
    syncState: { synced: true },
    clock,
    events: undefined,
    closing: new Closing(clock),
    appendTimeout: 1_000,
    maxTargets: 100,
    outOfStep: () => {},
  })
  for (let n = 0; n < 3; n++) await appends.append('purge', { urls: ['shop.example/'] }, 1_000)
  await setImmediate()
  collectGarbage()
  expect(nodes.listeners.map((listener) => listener.deref())).toEqual([undefined, undefined, undefined])
  nodes.applied('g', 4)
  await appends.append('purge', { urls: ['shop.example/'] }, 1_000) // so `appends` itself was not collected
  expect(nodes.listeners).toHaveLength(4)
})

/** A log that accepts records once the test opens it. */
function unreachable(appendTimeout = 1_000, clock = new FakeClock(), nodes = new LiveNodes('self', 5_000, clock)) {
  const events = new Events()
  const emitted: string[] = []
  events.on('log', ({ what }) => void emitted.push(what))
  const log = { generation: 'g', position: 0, nonce: '', holds: () => false }
  const logged: JournalEntry[] = []
  const positions = new Map<string, number>()
  const state = { open: false, synced: true, generation: 'g', refused: '', calls: 0, atOnce: 0, mostAtOnce: 0 }
  const append = async (_known: unknown, entry: JournalEntry) => {
    const { generation } = state
    state.calls++
    state.mostAtOnce = Math.max(state.mostAtOnce, ++state.atOnce)
    await Promise.resolve()
    state.atOnce--
    if (!state.open || entry.targets.includes(state.refused)) throw new Error('away')
    const name = `${generation} ${entry.nonce}`
    const position = positions.get(name) ?? logged.push(entry)
    positions.set(name, position)
    return { head: { generation, position, doubtForMs: 0 }, nodes: [], position }
  }
  const appends = new Appends({
    calls: { append, replicate: () => Promise.resolve() },
    nodes,
    log,
    newest: new NewestRecord(log),
    syncState: state,
    clock,
    events,
    closing: new Closing(clock),
    appendTimeout,
    maxTargets: 100_000,
    outOfStep: () => {},
  })
  const stamp = (tags: string[], startedAt: number) => {
    return { url: 'u', tags, generation: 'g', position: 0, checked: 0, startedAt }
  }
  const readAll = () => {
    log.position = logged.length
    appends.hasRead()
  }
  return { clock, emitted, log, logged, state, appends, nodes, stamp, readAll }
}

test('a call to an unresponsive log does not wait beyond its time limit', async () => {
  const { clock, appends } = unreachable()
  let failure: unknown
  appends.append('purge', { tags: ['t'] }, 100).catch((error: unknown) => (failure = error))
  await clock.advance(99)
  expect(failure).toBeUndefined()
  await clock.advance(1)
  expect(failure).toMatchObject({ code: 'not_logged' })
})

test('a record that could not be logged counts until the log shows it, and no longer, in whichever order that happens', async () => {
  const { clock, logged, state, appends, stamp, readAll } = unreachable()
  const [one, other] = ['one', 'other'].map((tag) => appends.append('purge', { tags: [tag] }, 100).catch(() => {}))
  await clock.advance(100)
  await Promise.all([one, other])
  const before = clock.now() - 1_000
  const verdicts = () => ['one', 'other', 'none'].map((tag) => appends.verdict(stamp([tag], before)))
  expect(verdicts()).toEqual(['dead', 'dead', 'valid'])
  expect(appends.verdict(stamp(['one'], clock.now() + 1))).toBe('valid')
  state.open = true
  await appends.logAgain()
  expect(new Set(logged.flatMap(({ targets }) => targets))).toEqual(new Set(['tag one', 'tag other']))
  expect(verdicts()).toEqual(['dead', 'dead', 'valid'])
  readAll()
  expect(verdicts()).toEqual(['valid', 'valid', 'valid'])
})

test('an unreachable log is tried by one call at a time, not for each record', async () => {
  const { clock, state, appends } = unreachable()
  for (let number = 0; number < 50; number++) appends.append('purge', { tags: [`${number}`] }, 100).catch(() => {})
  await clock.advance(2_000)
  state.calls = 0
  await Promise.all([appends.logAgain(), appends.logAgain()])
  expect(state.calls).toBe(1)
})

test('when the log is back, many records are logged in one round trip, in order', async () => {
  const { clock, logged, state, appends } = unreachable()
  for (let number = 0; number < 250; number++) appends.append('purge', { tags: [`${number}`] }, 100).catch(() => {})
  await clock.advance(2_000)
  Object.assign(state, { open: true, mostAtOnce: 0 })
  await appends.logAgain()
  expect(logged.map(({ targets }) => targets[0])).toEqual(Array.from({ length: 250 }, (_, at) => `tag ${at}`))
  expect(state.mostAtOnce).toBe(100)
})

test('when too many records wait, one that names everything replaces them, and that is reported', async () => {
  const { clock, emitted, logged, state, appends, stamp, readAll } = unreachable(0)
  for (let number = 0; number <= MAX_ENTRIES; number++) {
    await appends.append('purge', { tags: [`${number}`] }, 100).catch(() => {})
  }
  expect(emitted).toEqual(['overflow'])
  const before = clock.now() - 10_000
  expect(['0', 'none'].map((tag) => appends.verdict(stamp([tag], before)))).toEqual(['dead', 'dead'])
  state.open = true
  await appends.logAgain()
  expect(logged.map(({ targets }) => targets)).toEqual([[`tag ${MAX_ENTRIES}`], targetsOf({ all: true })])
  readAll()
  expect(appends.verdict(stamp(['none'], before))).toBe('valid')
})

const tags = (count: number) => Array.from({ length: count }, (_, n) => `${n}`)

test('names too many for one record are split into several, and count until the log shows the last of them', async () => {
  const { log, logged, state, appends, stamp } = unreachable()
  state.open = true
  const receipt = await appends.append('purge', { tags: tags(2 * TARGETS_PER_RECORD + 1) }, 0)
  expect(receipt).toMatchObject({ id: logged[2]?.nonce, position: 3 })
  expect(logged.map(({ targets }) => targets.length)).toEqual([TARGETS_PER_RECORD, TARGETS_PER_RECORD, 1])
  expect(logged.flatMap(({ targets }) => targets)).toEqual(targetsOf({ tags: tags(2 * TARGETS_PER_RECORD + 1) }))
  expect(new Set(logged.map(({ nonce }) => nonce)).size).toBe(3)
  const verdicts = () => [0, 2 * TARGETS_PER_RECORD].map((n) => appends.verdict(stamp([`${n}`], 0)))
  for (const [position, verdict] of [
    [2, 'dead'],
    [3, 'valid'],
  ] as const) {
    log.position = position
    appends.hasRead()
    expect(verdicts()).toEqual([verdict, verdict])
  }
})

test('a record that the log never accepts does not hold up the others', async () => {
  const { clock, logged, state, appends } = unreachable()
  for (let number = 0; number < 250; number++) appends.append('purge', { tags: [`${number}`] }, 100).catch(() => {})
  await clock.advance(2_000)
  for (const [refused, missing] of [
    ['tag 0', ['tag 0']], // tried first
    ['tag 120', ['tag 120']],
  ] as const) {
    Object.assign(state, { open: true, generation: refused, refused })
    logged.length = 0
    appends.generationChanged()
    await appends.logAgain()
    await appends.logAgain() // on the next beat
    const names = new Set(logged.map(({ targets }) => targets[0]))
    expect(Array.from({ length: 250 }, (_, n) => `tag ${n}`).filter((name) => !names.has(name))).toEqual(missing)
  }
})

test('a record logged in a log that is no longer followed is logged in the new one', async () => {
  const { clock, log, logged, state, appends } = unreachable()
  state.open = true
  const receipt = appends.append('purge', { tags: ['t'] }, 1_000)
  log.generation = state.generation = 'h' // after the append was sent
  appends.generationChanged()
  await settle()
  await clock.advance(50)
  expect(logged.map(({ targets }) => targets)).toEqual([['tag t'], ['tag t']])
  await clock.advance(1_000)
  expect((await receipt).position).toBe(2)
})

test('if a new log begins between the records of one call, all are logged in the new one', async () => {
  const { clock, log, logged, state, appends } = unreachable()
  state.open = true
  const receipt = appends.append('purge', { tags: tags(TARGETS_PER_RECORD + 1) }, 1_000)
  state.generation = 'h' // after the first was sent
  await settle()
  log.generation = 'h'
  await clock.advance(50)
  expect(logged.map(({ targets }) => targets.length)).toEqual([TARGETS_PER_RECORD, 1, TARGETS_PER_RECORD])
  expect(logged[2]?.nonce).toBe(logged[0]?.nonce)
  await clock.advance(1_000)
  expect((await receipt).position).toBe(3) // the last one, which was logged there already, is at 2
})

test('while many purges wait for a silent node, a report of another node does not examine every purge', async () => {
  const clock = new FakeClock()
  let looks = 0
  class CountingNodes extends LiveNodes {
    override following(logged: Logged) {
      looks++
      return super.following(logged)
    }
  }
  const { log, state, appends, nodes } = unreachable(1_000, clock, new CountingNodes('self', 5_000, clock))
  state.open = true
  nodes.applied('g', 0)
  for (const node of ['silent', 'other']) nodes.receive(node, 'g 0 5000')
  const answers = Array.from({ length: 100 }, (_, n) => appends.append('purge', { tags: [`${n}`] }, 3_000))
  await settle()
  looks = 0
  for (let position = 1; position <= 100; position++) {
    log.position = position
    nodes.applied('g', position)
    nodes.receive('other', `g ${position} 5000`)
  }
  expect(looks).toBe(0)
  nodes.receive('silent', 'g 40 5000')
  await settle()
  expect(looks).toBe(100)
  await clock.advance(3_000)
  const acked = (await Promise.all(answers)).map(({ nodes: { acked } }) => acked)
  expect(acked).toEqual([...Array(40).fill(3), ...Array(60).fill(2)])
})

test('after an outage in which Redis has forgotten all nodes, a purge waits for them before the log is read again too', async () => {
  const { clock, log, state, appends, nodes } = unreachable()
  const listing = { nodes: ['other', 'g 0 5000', '60000'], doubtForMs: 0 }
  nodes.replace(listing, { askedAt: clock.now(), wasOutOfReach: false })
  state.synced = false
  await clock.advance(60_000)
  state.open = true
  const receipt = appends.append('purge', { tags: ['t'] }, 3_000)
  await settle()
  log.position = 1
  nodes.applied('g', 1)
  await clock.advance(3_000)
  expect((await receipt).nodes).toEqual({ expected: 2, acked: 1 })
})

test('an awaited purge that had to be logged again is checked once it has been', async () => {
  const { clock, log, logged, state, appends, nodes } = unreachable()
  state.open = true
  nodes.receive('other', 'g 0 5000')
  const receipt = appends.append('purge', { tags: ['t'] }, 3_000)
  await settle()
  log.generation = state.generation = 'h'
  appends.generationChanged()
  nodes.applied('h', 9)
  nodes.receive('other', 'h 9 5000')
  await appends.logAgain()
  await clock.advance(0)
  expect(await receipt).toMatchObject({ position: logged.length, nodes: { expected: 2, acked: 2 } })
})
