import { expect, test } from 'vitest'
import { DAMAGED, checkResultOf } from '../../../src/stores/disk/check-result.ts'

const ended = (status: number) => checkResultOf({ status, signal: null })
const endedBy = (signal: NodeJS.Signals) => checkResultOf({ status: null, signal })

test('a check that exits by itself gives a result', () => {
  expect([ended(0), ended(DAMAGED)]).toEqual(['sound', 'damaged'])
})

test.each(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP'] as const)(
  'a check that the file takes down with %s finds it damaged',
  (signal) => expect(endedBy(signal)).toBe('damaged'),
)

test.each(['SIGKILL', 'SIGTERM', 'SIGXCPU', 'SIGHUP'] as const)('a check killed by %s is inconclusive', (signal) =>
  expect(endedBy(signal)).toEqual({ unknown: `its check was ended by ${signal}` }),
)

test('a check that could not be started, loaded or finished is inconclusive', () => {
  const error = new Error('spawnSync node EAGAIN')
  expect(checkResultOf({ error, status: null, signal: null })).toEqual({ unknown: 'spawnSync node EAGAIN' })
  expect(checkResultOf({ error: new Error('ETIMEDOUT'), status: null, signal: 'SIGABRT' })).toEqual({
    unknown: 'ETIMEDOUT',
  })
  expect(ended(1)).toEqual({ unknown: 'its check ended with 1' })
})
