import { isDeepStrictEqual } from 'node:util'
import { configPath, loadConfig } from '../../../src/config.ts'
import { describeFaults } from '../../../src/cli/settings.ts'
import { printConfig } from '../../../src/config/print.ts'
import type { Config, Flags } from '../../../src/config.ts'
import { must, mustEqual, type Target } from '../target.ts'
import { sections } from './message.ts'

/** Flags, one per line as `name=value`; environment variables likewise; and the file. */
export const configuration: Target = {
  name: 'configuration',
  covers: [
    [
      'src/config.ts',
      'src/config/checks.ts',
      'src/config/checks/listeners.ts',
      'src/config/checks/routes.ts',
      'src/config/checks/stores.ts',
      'src/config/document.ts',
      'src/config/explain.ts',
    ],
    [
      'src/config/fault.ts',
      'src/config/leaves/choices.ts',
      'src/config/leaves/names.ts',
      'src/config/leaves/numbers.ts',
      'src/config/leaves/places.ts',
      'src/config/leaves/secrets.ts',
      'src/config/leaves/text.ts',
      'src/config/notes.ts',
      'src/config/print.ts',
      'src/config/resolve.ts',
      'src/config/routes.ts',
      'src/config/schema.ts',
    ],
    [
      'src/config/settings.ts',
      'src/config/flags.ts',
      'src/config/environment.ts',
      'src/config/sources.ts',
      'src/config/raw-values.ts',
      'src/cli/settings.ts',
    ],
  ].flat(),
  dictionary: [
    ['origin=http://a.test', 'host=', 'port=', 'adminHost=0.0.0.0', 'adminPort=', 'adminToken=', 'ttl=30s', 'grace='],
    ['softTimeout=', 'cookies=rfc', 'memory=1GiB', 'logLevel=', 'config=', 'HERDGATE_ORIGIN=', 'HERDGATE_ADMIN_TOKEN='],
    ['HERDGATE_ADMIN_TOKEN_FILE=', 'PORT=tcp://1.2.3.4:80', 'HERDGATE_X=', 'version: 1', 'origins:', 'routes:', '  '],
    ['urls: [http://a.test]', 'name: a', 'origin: a', 'match: {path: /x/*}', 'key: {query: {sort: true}}', '&a', '*a'],
    [
      '<<: ',
      '__proto__: ',
      'constructor: ',
      '${A}',
      '${B}',
      '!!binary ',
      '? ',
      '- ',
      '|',
      '"',
      '\n\n',
      'statusTtl: {404: 5s}',
    ],
  ].flat(),
  seeds: [
    'origin=http://a.test\nttl=30s\n\nHERDGATE_GRACE=1h\nPORT=8081\n\n',
    '\n\n\n\nversion: 1\norigins:\n  a: {urls: [http://a.test]}\nroutes:\n  - {name: a, origin: a, match: {path: /x/*}}',
    'port=x\n\nHERDGATE_ORIGNI=x\n\nversion: 1\norigins: &o\n  a: {urls: ["${A}", http://b.test:1/]}\nlisten: {port: 1, trustProxy: [loopback]}',
    'x\n\ny\n\nversion: 1\norigins: {a: {urls: [http://a.test]}}\nroutes:\n- name: r\n  origin: a\n  match: {host: "*.a.test", methods: [GET]}\n  key: {query: {ignore: [utm_*]}, headers: [X-A]}\n  statusTtl: {404: 5s}\nstore: {memory: {maxBytes: 1MiB}}',
  ],
  maxLength: 4096,
  run,
}

/** Printing a configuration is slow and would dominate the run time. */
const FEW = 6

/** Must not occur in any message. The blank makes it invalid. */
const SECRET = 'Sw0rdfish Sw0rdfish'

function run(input: string): string {
  const [flagLines = '', envLines = ''] = sections(input, 2)
  const text = Buffer.from(input.split('\n\n').slice(2).join('\n\n'), 'latin1').toString()
  const { origin, ...rest } = pairs(flagLines)
  const flags: Flags = { ...rest, ...(origin === undefined ? {} : { origin: [origin] }) }
  const env = { ...pairs(envLines), A: 'http://a.test' }
  const file = { path: 'f.yaml', text }
  const readFile = (path: string) => (path.includes('x') ? SECRET : fail())
  configPath(flags, env)
  const loaded = loadConfig({ flags, env, file: text === '' ? undefined : file, readFile })
  const secret = loadConfig({ flags: { ...flags, adminToken: SECRET }, env, file, readFile })
  must('a secret is in no message', !secret.ok && !JSON.stringify(secret.faults).includes('Sw0rdfish'), secret)
  if (!loaded.ok) {
    must('a fault says where and what', loaded.faults.length > 0, loaded.faults)
    for (const { where, message } of loaded.faults) must('a fault says where and what', where !== '' && message !== '')
    describeFaults(loaded.faults)
    const kinds = new Set(loaded.faults.map(({ key, message }) => `${key}:${message.slice(0, 12)}`))
    return [...kinds].slice(0, 3).join()
  }
  const { listen, admin, origins, routes, store } = loaded.config
  must('a port is a port', isPort(listen.port) && isPort(admin.port), listen, admin)
  must(
    'an open admin port has a token',
    admin.token !== undefined || /^(?:127\.|localhost$|::1$|[0:]+1$)/i.test(admin.host) || admin.host.includes(':'),
    admin,
  )
  must('there are origins', origins.length > 0 && origins.every(({ urls }) => urls.length > 0), origins)
  must('routes have names of their own', new Set(routes.map(({ name }) => name)).size === routes.length, routes)
  must(
    'routes lead to origins',
    routes.every(({ origin }) => origins.some(({ name }) => name === origin)),
    routes,
  )
  for (const { rules } of routes) {
    const times = [rules.grace, rules.ttl ?? 0, rules.softTimeout ?? 0, rules.errorTtlMax, ...rules.statusTtl.values()]
    must(
      'times are at most 2^31 s',
      times.every((ms) => Number.isInteger(ms) && ms >= 0 && ms <= 2 ** 31 * 1000),
      times,
    )
    must('an object fits into the memory', rules.maxObjectBytes <= store.memory.maxBytes && rules.maxObjectBytes > 0)
  }
  if (origins.length + routes.length <= FEW) {
    const printed = again(loaded.config)
    const expected = { ...loaded.config, logLevel: 'info' }
    must('what is printed of it gives the same', isDeepStrictEqual(printed, expected), printed)
  }
  mustEqual('the file gives nothing to all objects', Object.keys(Object.prototype), [])
  return `${origins.length} ${routes.length} ${loaded.notes.length}`
}

function again(config: Config): Config | undefined {
  const { url = '', secret } = config.store.redis ?? {}
  const [, password] = /:\/\/[^@/:]*:([^@/]+)@/.exec(url) ?? []
  const env = { ADMIN_TOKEN: config.admin.token, REDIS_PASSWORD: password, CACHE_SECRET: secret }
  const file = { path: 'f.yaml', text: printConfig(config) }
  const loaded = loadConfig({ flags: config.chaos === undefined ? {} : { chaos: true }, env, file, readFile: fail })
  return loaded.ok ? loaded.config : undefined
}

function pairs(section: string): Record<string, string | undefined> {
  const found: Record<string, string | undefined> = {}
  for (const line of section.split('\n')) {
    const equals = line.indexOf('=')
    if (equals > 0) found[line.slice(0, equals)] = Buffer.from(line.slice(equals + 1), 'latin1').toString()
  }
  return found
}

function fail(): never {
  throw new Error('no such file')
}

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65_535
