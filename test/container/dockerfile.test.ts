import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { allOf, assignments, execForm, lastOf, letIn, parseDockerfile } from './dockerfile.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

const stages = parseDockerfile(read('Dockerfile'))
const runtime = stages.at(-1)!

test('every stage uses the Node version of the project', () => {
  expect(stages.map(({ image }) => image)).toEqual(
    stages.map(() => `node:${manifest.devDependencies.node}-trixie-slim`),
  )
})

test('it is built in stages, and the last one copies only the built files and what they need', () => {
  expect(stages.map(({ name }) => name)).toEqual(['build', 'dependencies', 'runtime'])
  expect(allOf(runtime, 'COPY')).toEqual([
    'package.json LICENSE ./',
    '--from=dependencies /build/node_modules ./node_modules',
    '--from=build /build/dist ./dist',
  ])
  expect(allOf(stages[1]!, 'RUN').join()).toContain('--omit=dev')
})

test('the packages are those of the lock file, and none of them runs a script', () => {
  const installs = stages.flatMap((stage) => allOf(stage, 'RUN')).filter((run) => /\bnpm (?:ci|i|install)\b/.test(run))
  expect(installs).toHaveLength(2)
  for (const install of installs) expect(install).toMatch(/npm ci .*--ignore-scripts/)
})

test('it runs as a numeric non-root user', () => {
  expect(lastOf(runtime, 'USER')).toMatch(/^[1-9]\d{4}:[1-9]\d{4}$/)
  const last = runtime.instructions.findLastIndex(({ name }) => ['RUN', 'COPY'].includes(name))
  expect(runtime.instructions.findIndex(({ name }) => name === 'USER')).toBeGreaterThan(last)
})

test('no shell runs between the container engine and Node, at start or in health checks', () => {
  const main = execForm(lastOf(runtime, 'ENTRYPOINT'))
  const [, check = ''] = lastOf(runtime, 'HEALTHCHECK').split(' CMD ')
  expect(main).toEqual(['node', manifest.bin.herdgate])
  expect(execForm(check)).toEqual(['node', manifest.bin.herdgate, 'probe'])
})

test('both ports are exposed', () => {
  expect(lastOf(runtime, 'EXPOSE')).toBe('8080 9090')
})

test('its labels describe it, in this version', () => {
  const labels = assignments(runtime, 'LABEL')
  expect(Object.keys(labels)).toEqual(
    ['title', 'description', 'licenses', 'version', 'revision'].map((name) => `org.opencontainers.image.${name}`),
  )
  expect(labels['org.opencontainers.image.version']).toBe(manifest.version)
  expect(labels['org.opencontainers.image.licenses']).toBe(manifest.license)
})

test('metrics report the same revision as the labels', () => {
  expect(assignments(runtime, 'ENV')['HERDGATE_REVISION']).toBe(
    assignments(runtime, 'LABEL')['org.opencontainers.image.revision'],
  )
})

test('.dockerignore admits exactly what is copied', () => {
  const sources = stages
    .flatMap((stage) => allOf(stage, 'COPY'))
    .filter((copy) => !copy.startsWith('--from'))
    .flatMap((copy) => copy.split(' ').slice(0, -1))
  const copied = new Set(sources.map((source) => source.replace(/^\.\//, '')))
  expect([...copied].sort()).toEqual(letIn(read('.dockerignore')).sort())
})
