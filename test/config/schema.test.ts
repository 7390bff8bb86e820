import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { configJsonSchema } from '../../src/config.ts'
import { faultLines } from './given.ts'

const SECRETS = {
  ADMIN_TOKEN: 'a-token-of-24-characters',
  TEAM_A_TOKEN: 'a-token-of-a-team-alone',
  CACHE_SECRET: 'a-secret-of-24-characters',
}

describe('the guide', () => {
  const guide = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

  test('shows a valid file with every key', () => {
    const [, text = ''] = /```yaml\n([^]*?)```/.exec(guide) ?? []
    expect(faultLines({ text, env: SECRETS })).toEqual([])
    const { properties } = JSON.parse(JSON.stringify(configJsonSchema()))
    const origin = properties.origins.additionalProperties.properties
    const route = properties.routes.items.properties
    const nested = [
      properties.listen,
      properties.admin,
      properties.admin.properties.tokens.items,
      properties.limits,
      properties.coherence,
      route.match,
      route.key,
      route.key.properties.query,
    ]
    const { memory, disk, redis } = properties.store.properties
    const { chaos: _, ...usual } = properties // documented on a page of its own
    const maps = [usual, origin, route, memory.properties, disk.properties, redis.properties]
    const keys = [...maps, ...nested.map((map) => map.properties)].flatMap((map) => Object.keys(map))
    expect(keys.filter((key) => !text.includes(`${key}:`))).toEqual([])
  })
})

describe('the JSON Schema', () => {
  const schema = configJsonSchema()
  const validator = z.fromJSONSchema(JSON.parse(JSON.stringify(schema)))
  const file = (key: object) => ({ version: 1, routes: [{ name: 'r', origin: 'o', ...key }] })

  test('accepts valid files, variables included', () => {
    for (const key of [
      {},
      { ttl: '5s' },
      { ttl: '${TTL}' },
      { cookies: 'rfc' },
      { cookies: '${C}' },
      { statusTtl: { 404: '1s' } },
      { override: true, bypass: 'false', webSockets: '${W}', key: { query: { sort: '${S}' } } },
      { refreshAhead: 0.8 },
      { refreshAhead: '${R}' },
    ]) {
      expect(validator.safeParse(file(key)).success, JSON.stringify(key)).toBe(true)
    }
    for (const secret of ['${S}', '${CACHE_SECRET}', 'x'.repeat(16)]) {
      expect(validator.safeParse({ version: 1, store: { redis: { secret } } }).success, secret).toBe(true)
    }
    expect(validator.safeParse({ version: 1, listen: { port: 80 } }).success).toBe(true)
    expect(validator.safeParse({ version: 1, listen: { port: '${PORT}' } }).success).toBe(true)
  })

  test('rejects invalid files', () => {
    for (const key of [
      { ttl: 5 },
      { ttl: '5' },
      { cookies: 'no' },
      { tll: '5s' },
      { refreshAhead: 1 },
      { override: 'yes' },
    ]) {
      expect(validator.safeParse(file(key)).success, JSON.stringify(key)).toBe(false)
    }
    expect(validator.safeParse({}).success).toBe(false)
    expect(validator.safeParse({ version: 1, store: { redis: { secret: 'x'.repeat(15) } } }).success).toBe(false)
  })

  test('describes every key', () => {
    expect(undescribed(schema)).toEqual([])
  })

  test('states the actual defaults', () => {
    const { properties } = JSON.parse(JSON.stringify(schema))
    expect(properties.listen.properties.port.default).toBe(8080)
    expect(properties.admin.properties.host.default).toBe('127.0.0.1')
    expect(properties.routes.items.properties.grace.default).toBe('1h')
    expect(properties.routes.items.properties.cookies.default).toBe('safe')
    expect(properties.store.properties.memory.properties.maxBytes.default).toBe('256MiB')
  })

  function undescribed(node: any, path = ''): string[] {
    const children = Object.entries<any>(node.properties ?? {})
    const nested = [node.items, node.additionalProperties].filter((child) => typeof child === 'object')
    return [
      ...children.filter(([, child]) => child.description === undefined).map(([key]) => `${path}.${key}`),
      ...children.flatMap(([key, child]) => undescribed(child, `${path}.${key}`)),
      ...nested.flatMap((child) => undescribed(child, `${path}[]`)),
    ]
  }
})
