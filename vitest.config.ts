import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout, restoreMocks: true },
})

/** unit: no sockets, no real time. integration: real sockets and processes. conformance: http-cache-tests. */
export default defineConfig({
  test: {
    projects: [
      project(
        'unit',
        ['test/**/*.test.ts'].concat(['!test/integration/**', '!test/hostile/**', '!test/conformance/**']),
        10_000,
      ),
      project('integration', ['test/{integration,hostile}/**/*.test.ts'], 60_000),
      project('conformance', ['test/conformance/**/*.test.ts'], 300_000),
    ],
  },
})
