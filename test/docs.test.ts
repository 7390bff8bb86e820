/** Checks statements of the documentation against the code. */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { referencePage } from '../docs/configuration-reference.ts'
import { configJsonSchema } from '../src/config.ts'
import { ERROR_CODES, type ErrorCode } from '../src/errors.ts'
import { field } from '../src/fields.ts'
import { DETAILS } from '../src/model.ts'
import { API_KEYS } from '../src/policy/fields/credentials.ts'
import { IMPERSONATING_FIELDS } from '../src/policy/fields/impersonating-fields.ts'
import { REASONS } from '../src/metrics/labels.ts'
import { REASONS_NOT_TO_STORE } from '../src/policy/storable.ts'
import { unrunIn } from './support/documented.ts'
import { requestWith, sentUpstream } from './policy/support.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const pages = globSync(['*.md', 'docs/**/*.md', 'load-tests/*.md'], { cwd: root }).sort()

describe('links have existing targets', () => {
  it.each(pages)('%s', (page) => {
    expect(brokenLinks(page)).toEqual([])
  })
})

test('docs/configuration-reference.md is up to date with `npm run docs`', () => {
  expect(read('docs/configuration-reference.md')).toBe(referencePage())
})

describe('commands are run by test/integration/documentation.test.ts, or a comment says why not', () => {
  it.each(pages)('%s', (page) => {
    expect(unrunIn(read(page)).map((line) => `${page}:${line}`)).toEqual([])
  })
})

/** The package is not on npm, where anybody may register its name. */
test('no command lets npx fetch Herdgate', () => {
  expect(pages.filter((page) => /npx (?:--yes |-y )?herdgate [\w-]/.test(read(page)))).toEqual([])
})

describe('docs/why-not-cached.md', () => {
  const page = read('docs/why-not-cached.md')
  const told = (heading: string) => [...section(page, heading).matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name]) => name)

  it('lists every reason not to store, once', () => {
    expect(told('Why it was not kept')).toEqual([...new Set(told('Why it was not kept'))])
    expect(told('Why it was not kept')).toEqual(expect.arrayContaining([...REASONS_NOT_TO_STORE]))
  })

  it('lists exactly the details that an answer or a log line may have', () => {
    const named = [...page.replaceAll(/^```[^]*?^```/gm, '').matchAll(/`detail=([\w-]+)`/g)].map(([, name]) => name)
    const errors = [...section(page, 'Errors').matchAll(/^\| [\d, ]+ \| ([^|]+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([\w-]+)`/g)].map(([, name]) => name),
    )
    const all = [...named, ...told('Why it was not kept'), ...told('It is older than its lifetime'), ...errors]
    expect(new Set(all)).toEqual(new Set([...DETAILS, ...ERROR_CODES.filter((code) => !NO_DETAIL.has(code))]))
  })

  it('lists every reason to ask the origin', () => {
    expect(new Set(told('Why the origin was asked'))).toEqual(new Set(REASONS.filter((name) => name !== 'miss')))
  })
})

/** The first is documented as `only-if-cached`; the other occurs only on the admin port. */
const NO_DETAIL: ReadonlySet<ErrorCode> = new Set(['not_cached', 'not_logged'])

describe('docs/security.md', () => {
  const page = read('docs/security.md')

  it('lists every limit, with its default', () => {
    const told = Object.fromEntries(
      [...section(page, 'Limits').matchAll(/^\| `([\w.*]+)` \| `([^`]+)` \|/gm)].map(([, key = '', value]) => [
        key,
        value,
      ]),
    )
    expect(Object.fromEntries(Object.keys(told).map((key) => [key, String(defaultOf(key.split('.')))]))).toEqual(told)
    expect(Object.keys(told)).toEqual(expect.arrayContaining(keysOf(['limits'])))
    expect(Object.keys(told)).toEqual(expect.arrayContaining(keysOf(['store', 'memory'])))
  })

  const dropped = section(page, 'Fields that are dropped').split('`Forwarded`')[0] ?? ''
  const names = [...dropped.matchAll(/`([a-z-]+\*?)`/g)].map(([, name = '']) => name).filter((name) => /\w/.test(name))

  it('lists every field that is dropped by its name', () => {
    expect([...IMPERSONATING_FIELDS].filter((name) => !names.includes(name))).toEqual([])
  })

  it.each(names)('is right that %s reaches no origin', (name) => {
    const example = name.replace('*', 'x')
    expect(sent(example)).toBeUndefined()
    expect(sent('x-something-else')).toBe('1')
  })
})

test('docs/security.md lists every field that is known to have API keys', () => {
  const page = read('docs/security.md').toLowerCase()
  expect(API_KEYS.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
})

describe('docs/architecture.md', () => {
  const page = read('docs/architecture.md')
  const named = [...new Set([...page.matchAll(/`([\w./-]+(?:\/|\.[jt]s|\.md))`/g)].map(([, path = '']) => path))]

  it('names only existing files and folders, from the root or below src/', () => {
    const isThere = (path: string): boolean => [path, `src/${path}`].some((full) => existsSync(join(root, full)))
    expect(named.filter((path) => !isThere(path))).toEqual([])
  })

  it('lists every folder of src/ and every file at its root', () => {
    const parts = readdirSync(join(root, 'src'), { withFileTypes: true })
    const names = parts.map((part) => (part.isDirectory() ? `${part.name}/` : part.name))
    expect(names.filter((name) => !named.includes(name))).toEqual([])
  })
})

/** The field, sent by an untrusted client, as the origin receives it. */
const sent = (name: string) => field(sentUpstream(requestWith({ [name]: '1' })), name)

function section(page: string, heading: string): string {
  const [, text = ''] = page.split(`\n## ${heading}\n`)
  return text.split('\n## ')[0] ?? ''
}

// ------------------------------------------------------------------------------------------------------- schema

interface Schema {
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly items?: Schema
}

const keysOf = (path: readonly string[]): string[] =>
  Object.keys(schemaAt(path)?.properties ?? {}).map((key) => [...path, key].join('.'))

const defaultOf = (path: readonly string[]): unknown => schemaAt(path)?.default

/** `*` stands for any name or index. */
function schemaAt(path: readonly string[]): Schema | undefined {
  return path.reduce<Schema | undefined>(
    (schema, key) => (key === '*' ? (schema?.items ?? schema?.additionalProperties) : schema?.properties?.[key]),
    configJsonSchema() as Schema,
  )
}

// -------------------------------------------------------------------------------------------------------- links

function brokenLinks(page: string): string[] {
  const text = read(page).replaceAll(/^```[^]*?^```/gm, '')
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return links.filter((link) => !/^https?:/.test(link) && !leads(page, link))
}

function leads(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : relative(root, join(root, dirname(page), path))
  return existsSync(join(root, target)) && (anchor === undefined || anchorsIn(target).includes(anchor))
}

const anchorsIn = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
