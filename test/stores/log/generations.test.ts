import { expect, test } from 'vitest'
import { UNLIMITED } from '../../../src/cache/values/options.ts'
import { ValueEntry } from '../../../src/cache/values/value-entry.ts'
import { Generations } from '../../../src/stores/log/generations.ts'

function valueTagged(tags: readonly string[]) {
  const making = {
    url: 'k',
    generation: 'before',
    position: 3,
    checked: 3,
    startedAt: 0,
    bornAt: 0,
    costMs: undefined,
  }
  return new ValueEntry('value', 1, { ...UNLIMITED, tags }, making)
}

test('a value of an earlier generation is judged like any other stored thing', () => {
  const log = new Generations('before', 100)
  const state = { generation: 'after', nonce: '', floor: { purged: 0, invalidated: 0 } }
  log.load({ ...state, position: 1, marks: [] })
  expect(log.verdict(valueTagged(['t']))).toBe('stale')
  log.apply({ position: 2, generation: 'after', nonce: 'n', names: { mode: 'purge', targets: ['tag t'] } })
  expect([log.verdict(valueTagged(['t'])), log.verdict(valueTagged(['other']))]).toEqual(['dead', 'stale'])
})
