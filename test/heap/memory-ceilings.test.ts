import { afterEach, expect, test, vi } from 'vitest'
import { isContainerFull, oldGenerationOf } from '../../src/heap/memory-ceilings.ts'

const MIB = 2 ** 20

afterEach(() => {
  vi.restoreAllMocks()
})

/** As reported by Node 26, in MiB, in containers of these sizes, without flags and with --max-old-space-size=231. */
test.each([
  { container: 128, limit: 262, old: 256 },
  { container: 256, limit: 237, old: 231 },
  { container: 512, limit: 268, old: 256 },
  { container: 512, limit: 243, old: 231 },
  { container: 1_024, limit: 536, old: 512 },
  { container: 2_048, limit: 1_072, old: 1_024 },
  { container: 2_048, limit: 279, old: 231 },
  { container: 4_096, limit: 2_144, old: 2_048 },
  { container: 16_384, limit: 4_192, old: 4_096 },
])(
  'with a limit of $limit MiB in $container MiB of memory the old generation gets $old',
  ({ container, limit, old }) => {
    expect(oldGenerationOf(limit * 2 ** 20, container * 2 ** 20, '') / 2 ** 20).toBe(old)
  },
)

test('with a very small limit the old generation gets half', () => {
  expect(oldGenerationOf(100 * 2 ** 20, 16 * 2 ** 30, '')).toBe(50 * 2 ** 20)
})

test.each([
  { flags: '--max-old-space-size=231 --max-semi-space-size=32', limit: 327, old: 231 },
  { flags: '--inspect --max_old_space_size 231', limit: 243, old: 231 },
  { flags: '--max-old-space-size=100 --max-old-space-size=231', limit: 243, old: 231 },
  { flags: '--max-semi-space-size=8', limit: 280, old: 256 },
])("Node's own flags take precedence: $flags", ({ flags, limit, old }) => {
  expect(oldGenerationOf(limit * 2 ** 20, 512 * 2 ** 20, flags) / 2 ** 20).toBe(old)
})

test.each([
  { container: 1_000, share: 0.9, available: 99, expected: true },
  { container: 1_000, share: 0.9, available: 101, expected: false },
  { container: 1_000, share: 0.85, available: 149, expected: true },
  { container: 1_000, share: 0.85, available: 151, expected: false },
  { container: 50, share: 0.9, available: 7, expected: true },
  { container: 50, share: 0.9, available: 9, expected: false },
  { container: 0, share: 0.9, available: 1, expected: false }, // no limit
])(
  'of $container MiB $available are left: full to $share is $expected',
  ({ container, share, available, expected }) => {
    vi.spyOn(process, 'constrainedMemory').mockReturnValue(container * MIB)
    vi.spyOn(process, 'availableMemory').mockReturnValue(available * MIB)
    expect(isContainerFull(share)).toBe(expected)
  },
)
