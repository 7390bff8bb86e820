import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { configJsonSchema } from '../../src/config.ts'
import { faultLines, type Given, notes, ONE, ORIGIN, valid } from './given.ts'

describe('chaos', () => {
  const SECTION = 'chaos: { store: { memory: { errorRate: 0.1 } } }\n'
  const chaosOf = (section: string, more: Given = {}) =>
    valid({ text: `${ONE}${section}`, ...more, flags: { chaos: true, ...more.flags } }).chaos

  test('is off by default', () => {
    expect(valid({ text: ONE }).chaos).toBeUndefined()
  })

  test('a section without the flag is refused with its position', () => {
    expect(faultLines({ text: ONE + SECTION })).toEqual([
      'herdgate.yaml:3:1 chaos: expected the flag --chaos as well, so that nobody injects faults by mistake',
    ])
    expect(faultLines({ text: `${ONE}chaos: off\n` })).toContainEqual(
      expect.stringContaining('expected the flag --chaos'),
    )
    expect(faultLines({ text: ONE + SECTION, env: { HERDGATE_CHAOS: 'true' } })).toHaveLength(2)
  })

  test('the flag without a section is refused', () => {
    for (const given of [{ text: ONE }, { flags: ORIGIN }]) {
      expect(faultLines({ ...given, flags: { ...given.flags, chaos: true } })).toEqual([
        '--chaos chaos: required: expected a section "chaos" in the file',
      ])
    }
  })

  test('is on with both, and a note says so', () => {
    expect(chaosOf(SECTION)).toMatchObject({ seed: 1, store: { memory: { errorRate: 0.1, corruption: 0 } } })
    expect(notes({ text: ONE + SECTION, flags: { chaos: true } })).toEqual([
      'chaos is on: faults are injected on purpose; not for production',
    ])
  })

  test('is resolved to milliseconds and shares', () => {
    const section = `chaos:
  seed: 7
  store: { redis: { errorRate: 0.3, delay: 5ms..20ms, corruption: 0.01, partition: { every: 30s, for: 5s } } }
  origins: { api: { delay: 1s } }
`
    expect(chaosOf(section, { flags: { redis: 'redis://r.test' } })).toEqual({
      seed: 7,
      store: {
        redis: {
          errorRate: 0.3,
          delay: { min: 5, max: 20 },
          corruption: 0.01,
          partition: { every: 30_000, for: 5_000 },
        },
      },
      origins: { api: { errorRate: 0, delay: { min: 1_000, max: 1_000 }, corruption: 0 } },
    })
  })

  test.each([
    ['store: { memory: { corruption: 0.1 } }', 'chaos.store.memory.corruption: unknown key, expected one of errorRate'],
    ['store: { redis: {} }', 'chaos.store.redis: expected a tier that is configured: there is no store.redis'],
    ['store: { disk: {} }', 'chaos.store.disk: expected a tier that is configured: there is no store.disk'],
    ['origins: { apo: {} }', 'chaos.origins.apo: there is no origin of this name; did you mean api?'],
    ['origins: { api: { errorRate: 1.5 } }', 'chaos.origins.api.errorRate: expected a number from 0 to 1'],
    ['origins: { api: { delay: 20ms..5ms } }', 'chaos.origins.api.delay: expected a delay such as 20ms'],
    ['origins: { api: { delay: 2m } }', 'chaos.origins.api.delay: expected a delay such as 20ms'],
    [
      'origins: { api: { partition: { every: 5s, for: 5s } } }',
      'chaos.origins.api.partition.for: expected a duration shorter than every',
    ],
    ['seed: -1', 'chaos.seed: expected a whole number from 0'],
  ])('%s is a fault with a position', (section, message) => {
    const faults = faultLines({ text: `${ONE}chaos: { ${section} }\n`, flags: { chaos: true } })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/^herdgate\.yaml:3:\d+ /)
    expect(faults[0]).toContain(message)
  })

  test('may name a tier or an origin configured by flags or environment', () => {
    const section = 'chaos: { store: { redis: {}, disk: {} }, origins: { default: {} } }\n'
    const flags = { ...ORIGIN, chaos: true, disk: '/var/cache' }
    expect(faultLines({ text: `version: 1\n${section}`, flags, env: { REDIS_URL: 'redis://r.test' } })).toEqual([])
  })

  test('its documentation page shows a valid section with every key', () => {
    const page = readFileSync(new URL('../../docs/chaos.md', import.meta.url), 'utf8')
    const [, section = ''] = /```yaml\n([^]*?)```/.exec(page) ?? []
    const flags = { chaos: true, redis: 'redis://r.test', disk: '/var/cache' }
    expect(faultLines({ text: ONE + section, flags })).toEqual([])
    const { chaos } = JSON.parse(JSON.stringify(configJsonSchema())).properties
    const { redis } = chaos.properties.store.properties
    const maps = [chaos.properties, chaos.properties.store.properties, redis.properties]
    const keys = [...maps, redis.properties.partition.properties].flatMap((map) => Object.keys(map))
    expect(keys.filter((key) => !section.includes(`${key}:`))).toEqual([])
  })
})
