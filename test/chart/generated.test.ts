import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { CHART, generated } from '../../helm/generated.ts'
import { rowsOf, undescribed } from '../../helm/table.ts'

const read = (file: string) => readFileSync(join(CHART, file), 'utf8')

test.each(Object.entries(generated()))('%s is up to date with `npm run chart`', (file, content) => {
  expect(read(file)).toBe(content)
})

test('every value is described in the table of README.md', () => {
  expect(undescribed(read('values.yaml'))).toEqual([])
  expect(rowsOf(read('values.yaml')).filter(({ description }) => description === '')).toEqual([])
})

test('the table reads comments of several lines and keys at any depth', () => {
  const text = '# -- First,\n# and more.\na: 1\nb:\n  # -- Inner.\n  c: [x]\n  # no description\n  d: 2\ne: {}\n'
  expect(rowsOf(text)).toEqual([
    { key: 'a', fallback: 1, description: 'First, and more.' },
    { key: 'b.c', fallback: ['x'], description: 'Inner.' },
  ])
  expect(undescribed(text)).toEqual(['b.d', 'e'])
})

const schema = JSON.parse(read('values.schema.json'))
const defaults = parse(read('values.yaml'))
const accepts = (values: unknown) => z.fromJSONSchema(schema).safeParse(coalesced(defaults, values)).success

/** Merges given values over the default ones, as helm does. */
function coalesced(under: any, over: any): any {
  const isMap = (value: unknown) => value !== null && typeof value === 'object' && !Array.isArray(value)
  if (!isMap(under) || !isMap(over)) return over
  const merged = Object.entries(over).map(([key, value]) => [key, key in under ? coalesced(under[key], value) : value])
  return { ...under, ...Object.fromEntries(merged) }
}

test.each(['values.yaml', ...readdirSync(join(CHART, 'ci')).map((file) => `ci/${file}`)])(
  'the schema accepts %s',
  (file) => {
    expect(accepts(parse(read(file)))).toBe(true)
  },
)

test.each([
  [{ replicas: 2 }],
  [{ config: { stroe: {} } }],
  [{ config: { version: 2 } }],
  [{ config: { listen: { port: 0 } } }],
  [{ config: { routes: [{ name: 'a', origin: 'a', ttl: '60' }] } }],
  [{ redis: { url: 'http://redis' } }],
])('the schema refuses %j', (values) => {
  expect(accepts(values)).toBe(false)
})

test('every key of values.yaml is in the schema', () => {
  expect(Object.keys(defaults).filter((key) => !(key in schema.properties))).toEqual([])
})
