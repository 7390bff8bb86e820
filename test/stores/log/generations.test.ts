import { expect, test } from 'vitest'
import { UNLIMITED } from '../../../src/cache/values/options.ts'
import { ValueEntry } from '../../../src/cache/values/value-entry.ts'
import { Generations } from '../../../src/stores/log/generations.ts'

function valueTagged(tags: readonly string[]) {
  return new ValueEntry('k', 'value', 1, { ...UNLIMITED, tags }, { generation: 'before', position: 3, startedAt: 0 })
}

test('a value of an earlier generation is judged like any other stored thing', () => {
  const log = new Generations('before', 100)
  const state = { generation: 'after', nonce: '', floor: { purged: 0, invalidated: 0 } }
  log.load({ ...state, position: 1, marks: [] })
  expect(log.verdict(valueTagged(['t']))).toBe('stale')
  log.apply({ position: 2, generation: 'after', nonce: 'n', names: { mode: 'purge', targets: ['tag t'] } })
  expect([log.verdict(valueTagged(['t'])), log.verdict(valueTagged(['other']))]).toEqual(['dead', 'stale'])
})
