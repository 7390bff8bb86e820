import { afterEach, expect, test, vi } from 'vitest'
import { DEFAULT_LIMITS } from '../../src/config/defaults.ts'
import { createDataPort } from '../../src/ports/data-port.ts'
import { fakeAdmin } from '../support/admin.ts'
import { FakeClock } from '../support/fake-clock.ts'

afterEach(() => void vi.useRealTimers())

test.each([
  ['data', () => createDataPort(DEFAULT_LIMITS, new FakeClock()).app],
  ['admin', () => fakeAdmin().app],
])('the %s port starts, however long the machine stands still meanwhile', async (_, create) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const app = create()
  app.register(async () => void vi.advanceTimersByTime(3_600_000))
  await expect(app.ready()).resolves.toBeDefined()
  await app.close()
})
