import { expect, test, vi } from 'vitest'
import { runOutage, OUTAGES, type OutageName } from './outage.ts'

/** Short, and at a rate a busy machine can bear; `npm run outages` runs longer and also measures latency. */
const OPTIONS = { perSecond: 300, mostWaiting: 50, beforeMs: 1_000, duringMs: 3_000, leaseMs: 1_000 }
const RECOVERED_WITHIN_MS = 60_000

vi.setConfig({ maxConcurrency: 2 }) // most of an outage is spent waiting

test.concurrent.each(Object.entries(OUTAGES))(
  'Redis %s, under load: neither requests nor purges fail',
  async (name, { refusesPurges }) => {
    const report = await runOutage(name as OutageName, OPTIONS)
    expect(report.hitRatioBefore).toBeGreaterThan(0.5)
    expect(report.failures).toEqual([])
    expect(report.violations).toEqual([])
    expect(report.purges.filter((status) => ![200, 202, 503].includes(status))).toEqual([])
    if (refusesPurges) {
      expect(report.purges).not.toHaveLength(0)
      expect(report.purges).not.toContain(200)
    }
    expect(report.recoveredAfterMs, report.condition.join('\n')).toBeLessThan(RECOVERED_WITHIN_MS)
    expect(report.purgeAfter).toBe(200)
  },
)
