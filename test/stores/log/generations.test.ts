import { expect, test } from 'vitest'
import { UNLIMITED } from '../../../src/cache/values/options.ts'
import { ValueEntry } from '../../../src/cache/values/value-entry.ts'
import type { Stamp } from '../../../src/model.ts'
import { Generations } from '../../../src/stores/log/generations.ts'

function valueTagged(tags: readonly string[]) {
  return new ValueEntry('k', 'value', 1, { ...UNLIMITED, tags }, { generation: 'before', position: 3, startedAt: 0 })
}

test('a value of an earlier generation is judged like any other entry', () => {
  const log = new Generations('before', 100)
  const state = { generation: 'after', nonce: '', floor: { purged: 0, invalidated: 0 }, continues: new Map() }
  log.load({ ...state, position: 1, marks: [] })
  expect(log.verdict(valueTagged(['t']))).toBe('stale')
  log.apply({ position: 2, generation: 'after', nonce: 'n', names: { mode: 'purge', targets: ['tag t'] } })
  expect([log.verdict(valueTagged(['t'])), log.verdict(valueTagged(['other']))]).toEqual(['dead', 'stale'])
})

test('a generation judges entries of its predecessor up to the position where it continues, and none beyond', () => {
  const log = new Generations('unknown', 100)
  const state = { generation: 'after', nonce: '', floor: { purged: 0, invalidated: 0 } }
  log.load({
    ...state,
    position: 3,
    marks: [['tag old', { purged: 3, invalidated: 0 }]],
    continues: new Map([['before', 3]]),
  })
  const [held, old, lost] = [stampAt(3), stampAt(2, ['old']), stampAt(4)]
  expect([held, old, lost].map((stamp) => log.verdict(stamp))).toEqual(['valid', 'dead', 'stale'])
  expect([held, old, lost].map((stamp) => log.holds(stamp))).toEqual([true, true, false])
  log.apply({ position: 4, generation: 'after', nonce: 'n', names: { mode: 'purge', targets: ['tag other'] } })
  expect([held, stampAt(5), lost].map((stamp) => log.verdict(stamp))).toEqual(['valid', 'stale', 'stale'])
  for (const position of [5, 6]) {
    const names = { mode: position === 5 ? 'purge' : 'invalidate', targets: ['tag t'] } as const
    log.apply({ position, generation: 'after', nonce: 'n', names })
  }
  expect([held, stampAt(6), lost].map((stamp) => log.verdict(stamp))).toEqual(['dead', 'dead', 'dead'])
})

test('a purge in a generation, or in its successor, still holds when both have been left', () => {
  const log = new Generations('before', 100)
  const state = { nonce: '', floor: { purged: 0, invalidated: 0 }, marks: [] }
  log.apply({ position: 3, generation: 'before', nonce: 'n', names: { mode: 'purge', targets: ['tag own'] } })
  log.load({ ...state, generation: 'next', position: 3, continues: new Map([['before', 3]]) })
  for (const position of [4, 5]) {
    log.apply({ position, generation: 'next', nonce: 'n', names: { mode: 'purge', targets: ['tag t'] } })
  }
  log.load({ ...state, generation: 'after', position: 1, continues: new Map() })
  const stamps = [stampAt(3), stampAt(4), stampAt(3, ['other'])]
  expect(stamps.map((stamp) => log.verdict(stamp))).toEqual(['dead', 'stale', 'stale'])
  expect([stampAt(2, ['own']), stampAt(3, ['own'])].map((stamp) => log.verdict(stamp))).toEqual(['dead', 'stale'])
  expect([...log.left]).toEqual(['before', 'next'])
})

test('no more targets of a loaded log are remembered than of its own', () => {
  const log = new Generations('before', 1)
  const marks = ['tag a', 'tag b'].map((target) => [target, { purged: 2, invalidated: 0 }] as const)
  const floor = { purged: 0, invalidated: 0 }
  log.load({ generation: 'before', position: 2, nonce: '', floor, marks, continues: new Map() })
  expect(log.verdict(stampAt(1, ['other']))).toBe('dead')
})

test('a generation that is loaded again no longer counts as left; the last four that were left are remembered', () => {
  const log = new Generations('0', 100)
  const state = { nonce: '', floor: { purged: 0, invalidated: 0 }, marks: [], continues: new Map() }
  for (const generation of ['1', '1', '2', '3', '4', '5', '5']) log.load({ ...state, generation, position: 1 })
  expect([...log.left]).toEqual(['1', '2', '3', '4'])
})

test('an unreadable record may have purged anything; entries ahead of the log are not trusted yet; both count as changes', () => {
  const log = new Generations('before', 100)
  expect([stampAt(0), stampAt(1)].map((stamp) => log.verdict(stamp))).toEqual(['valid', 'stale'])
  log.apply({ position: 1, generation: 'before', nonce: 'n', names: 'unreadable' })
  expect([stampAt(0), stampAt(1)].map((stamp) => log.verdict(stamp))).toEqual(['dead', 'valid'])
  expect([log.changes, log.nonce]).toEqual([1, 'n'])
  const floor = { purged: 0, invalidated: 0 }
  log.load({ generation: 'after', position: 1, nonce: 'm', floor, marks: [], continues: new Map() })
  expect([log.changes, log.nonce]).toEqual([2, 'm'])
})

const stampAt = (position: number, tags = ['t']): Stamp => ({
  url: 'a.test/',
  tags,
  generation: 'before',
  position,
  checked: position,
  startedAt: 0,
})
