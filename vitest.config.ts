import { defineConfig } from 'vitest/config'

/** @param testTimeout in ms: only what hangs takes so long, also on a slow machine that has other things to do */
const project = (name: string, include: string[], testTimeout: number) => ({
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: testTimeout,
    restoreMocks: true,
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
    projects: [
      project(
        'unit',
        ['test/**/*.test.ts'].concat(
          ['integration', 'hostile', 'support', 'fleet', 'conformance', 'chart/rendered'].map(
            (folder) => `!test/${folder}/**`,
          ),
        ),
        120_000,
      ),
      project('integration', ['test/{integration,hostile,support}/**/*.test.ts'], 120_000),
      project('fleet', ['test/fleet/**/*.test.ts'], 300_000),
      project('conformance', ['test/conformance/**/*.test.ts'], 900_000),
      ...(process.env['WITH_HELM'] === '1' ? [project('chart', ['test/chart/rendered/**/*.test.ts'], 60_000)] : []),
    ],
  },
})
