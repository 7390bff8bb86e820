import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

interface Pace {
  /** In ms: only what hangs takes so long, also on a slow machine that has other things to do. */
  readonly testTimeout: number
  /** Files at a time. */
  readonly maxWorkers: number
  /** One group after the other. */
  readonly group: number
  /** Run before all tests. */
  readonly globalSetup?: string
}

/** A third of the time is spent waiting: three files for two cores. */
const BESIDE = { maxWorkers: Math.ceil(availableParallelism() * 1.5), group: 0 }
/** What starts a fleet of its own, or goes by the real clock, shares the machine with one other, which waits as much. */
const APART = { maxWorkers: 2, group: 1 }

const project = (name: string, include: string[], { testTimeout, maxWorkers, group, globalSetup }: Pace) => ({
  test: {
    name,
    include,
    testTimeout,
    maxWorkers,
    sequence: { groupOrder: group },
    hookTimeout: testTimeout,
    restoreMocks: true,
    ...(globalSetup !== undefined && { globalSetup }),
    expect: { poll: { timeout: 60_000 } },
  },
})

/**
 * unit: no sockets, no real time. integration: real sockets and processes. fleet: several nodes that share a Redis.
 * conformance: http-cache-tests. chart: what helm makes of the chart; only where .ci/check-chart has seen to it that helm
 * is there.
 */
export default defineConfig({
  test: {
    globalSetup: ['test/support/compile-cache.ts'],
    projects: [
      project(
        'unit',
        ['test/**/*.test.ts'].concat(
          ['integration', 'hostile', 'support', 'fleet', 'conformance', 'chart/rendered'].map(
            (folder) => `!test/${folder}/**`,
          ),
        ),
        { testTimeout: 120_000, ...BESIDE },
      ),
      project('integration', ['test/{integration,hostile,support}/**/*.test.ts'], {
        testTimeout: 120_000,
        ...BESIDE,
        globalSetup: 'test/support/installed.ts',
      }),
      project('fleet', ['test/fleet/**/*.test.ts'], {
        testTimeout: 300_000,
        ...APART,
        globalSetup: 'test/support/installed.ts',
      }),
      project('conformance', ['test/conformance/**/*.test.ts'], { testTimeout: 900_000, ...APART }),
      ...(process.env['WITH_HELM'] === '1'
        ? [project('chart', ['test/chart/rendered/**/*.test.ts'], { testTimeout: 60_000, ...APART })]
        : []),
    ],
  },
})
