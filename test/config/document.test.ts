import { describe, expect, test } from 'vitest'
import fc from '../support/fast-check.ts'
import { faultLines, faults, ONE, ORIGIN, valid } from './given.ts'

describe('variables in the file', () => {
  test('are replaced anywhere in a value, in flow and block style, quoted or not', () => {
    const text = `version: 1
listen: { port: \${P} }
origins:
  api: { urls: ["http://\${H}:\${P}/\${H}"] }
  two: { urls: ['http://\${H}'] }
routes:
  - name: r
    origin: api
    ttl: \${T}
`
    const config = valid({ text, env: { P: '81', H: 'h', T: '5s' } })
    expect(config).toMatchObject({
      listen: { port: 81 },
      origins: [{ urls: ['http://h:81/h'] }, { urls: ['http://h'] }],
    })
    expect(config.routes[0]?.rules.ttl).toBe(5_000)
  })

  test('can stand for booleans and all kinds of numbers', () => {
    const text = `version: 1
origins: { api: { urls: [http://a.test] } }
routes:
  - name: r
    origin: api
    override: \${YES}
    bypass: "\${NO}"
    webSockets: \${NO}
    refreshAhead: \${SHARE}
    key: { query: { sort: \${YES} } }
chaos: { seed: \${SEED}, origins: { api: { errorRate: \${SHARE} } } }
`
    const env = { YES: 'true', NO: 'false', SHARE: '0.5', SEED: '4294967295' }
    const config = valid({ text, env, flags: { chaos: true } })
    const rules = { override: true, bypass: false, webSockets: false, refreshAhead: 0.5, key: { sortQuery: true } }
    expect(config.routes[0]?.rules).toMatchObject(rules)
    expect(config.chaos).toMatchObject({ seed: 4294967295, origins: { api: { errorRate: 0.5 } } })
    const wrong = { YES: 'yes', NO: '', SHARE: '1.5', SEED: '-1' }
    expect(
      faults({ text, env: wrong, flags: { chaos: true } }).map(({ key, message }) => `${key}: ${message}`),
    ).toEqual([
      'routes[0].override: expected true or false, got "yes"',
      'routes[0].refreshAhead: expected a number above 0 and below 1, such as 0.8, got "1.5"',
      'routes[0].key.query.sort: expected true or false, got "yes"',
      'routes[0].bypass: expected true or false, got ""',
      'routes[0].webSockets: expected true or false, got ""',
      'chaos.seed: expected a whole number from 0 to 4294967295, got "-1"',
      'chaos.origins.api.errorRate: expected a number from 0 to 1, such as 0.05, got "1.5"',
    ])
  })

  test('cannot change the structure of the file', () => {
    const env = { T: 'x", port: 1, host: "y' }
    expect(faults({ text: `${ONE}listen: { host: \${T} }`, env })).toMatchObject([{ key: 'listen.host' }])
    expect(valid({ text: `${ONE}admin: { token: \${T} }`, env: { T: '#1:{[,]}&*' } }).admin.token).toBe('#1:{[,]}&*')
  })

  test('that are not set are one fault each, without a second one about the value', () => {
    expect(faultLines({ text: `${ONE}routes:\n  - { name: r, origin: api, ttl: \${NOPE} }` })).toEqual([
      'herdgate.yaml:4:34 routes[0].ttl: environment variable NOPE is not set',
    ])
  })

  test('that are malformed are a fault', () => {
    expect(faultLines({ text: `${ONE}admin: { token: "\${a-b}" }` })).toMatchObject([
      expect.stringContaining('variable name'),
    ])
  })

  test('are literal after a second dollar sign, and are not expanded in values of variables or comments', () => {
    const token = (written: string, env = {}) =>
      valid({ text: `${ONE}# \${GONE}\nadmin: { token: ${written} }`, env }).admin.token
    expect(token('$${A}')).toBe('${A}')
    expect(token('"$${a-b}"')).toBe('${a-b}')
    expect(token('$A$')).toBe('$A$')
    expect(token('${A}', { A: '${B}' })).toBe('${B}')
  })
})

describe('YAML', () => {
  test.each([
    ['an open bracket', 'version: 1\norigins: [a\n', 'herdgate.yaml:3:1', 'not valid YAML'],
    ['a tab as indentation', 'version: 1\n\tlisten: {}\n', 'herdgate.yaml:2:1', 'not valid YAML'],
    ['two documents', 'version: 1\n---\nversion: 1\n', 'herdgate.yaml:2:1', 'a second document'],
    ['an unknown tag', 'version: !x 1\n', 'herdgate.yaml:1:10', 'not valid YAML'],
    ['an alias of nothing', `${ONE}listen: *gone\n`, 'herdgate.yaml:3:9', 'anchor'],
  ])('%s is a fault with its position, and the only one', (_, text, where, words) => {
    expect(faults({ text })).toMatchObject([{ where, message: expect.stringContaining(words) }])
  })

  test('a duplicate key is reported with the other faults of the file and unset variables', () => {
    const text = `version: 1
origins: { a: { urls: ["ftp://x"] } }
routes:
  - { name: y, origin: nope, ttl: 1s, ttl: 2s }
admin: { token: "\${NOPE}" }
nope: 1
nope:
`
    expect(faultLines({ text }).toSorted()).toEqual([
      expect.stringMatching(/^herdgate\.yaml:2:24 origins\.a\.urls\[0\]: expected/),
      expect.stringMatching(/^herdgate\.yaml:4:24 routes\[0\]\.origin: /),
      'herdgate.yaml:4:39 : this key is given twice',
      'herdgate.yaml:5:17 admin.token: environment variable NOPE is not set',
      'herdgate.yaml:7:1 : this key is given twice',
      expect.stringMatching(/^herdgate\.yaml:7:1 nope: unknown key/),
    ])
  })

  test('all duplicate keys are reported, however many, if nothing else is wrong', () => {
    const routes = Array.from({ length: 12 }, (_, at) => `  - { name: r${at}, ttl: 1s, ttl: 2s, origin: api }\n`)
    expect(faultLines({ text: `${ONE}routes:\n${routes.join('')}` })).toEqual(
      routes.map((_, at) => expect.stringContaining(`herdgate.yaml:${at + 4}:`)),
    )
  })

  test('a duplicate key does not hide exponential aliases', () => {
    const level = (at: number) => `l${at}: &l${at} [${Array.from({ length: 10 }, () => `*l${at - 1}`).join(', ')}]\n`
    const text = `l0: &l0 [x, x]\nl0: 1\n${[1, 2, 3].map(level).join('')}`
    expect(faults({ text, flags: ORIGIN })).toMatchObject([{ where: 'herdgate.yaml:2:1' }, { where: 'herdgate.yaml' }])
  })

  test.each([5_000, 50_000])('brackets nested %i deep are a fault', (depth) => {
    const nested = (open: string, close: string) => `${ONE}x: ${open.repeat(depth)}${close.repeat(depth)}`
    for (const text of [nested('[', ']'), nested('{a: ', '}')]) {
      expect(faults({ text })[0]).toMatchObject({ message: 'nested too deeply' })
    }
  })

  test('an empty file is accepted, and one that is not a map is a fault', () => {
    expect(faults({ text: '', flags: ORIGIN })).toMatchObject([{ where: 'herdgate.yaml:1:1' }])
    expect(faults({ text: '- a', flags: ORIGIN })).toMatchObject([{ where: 'herdgate.yaml:1:1' }])
  })

  test('a byte order mark does not count as a column, and lines may end in CRLF', () => {
    const text = `\ufeffversion: 2\n${ONE.split('\n')[1]}\nworkers: 0\n`.replaceAll('\n', '\r\n')
    expect(faults({ text }).map(({ where }) => where)).toEqual(['herdgate.yaml:1:10', 'herdgate.yaml:3:10'])
  })

  test('anchors and merge keys work, and their faults have a position', () => {
    const text = (ttl: string) => `${ONE}routes:
  - &base { name: a, origin: api, match: { path: /a }, ttl: ${ttl} }
  - { <<: *base, name: b, match: { path: /b } }
`
    expect(valid({ text: text('7s') }).routes[1]).toMatchObject({ name: 'b', rules: { ttl: 7_000 } })
    expect(faults({ text: text('x') }).map(({ where }) => where)).toContain('herdgate.yaml:4:61')
  })

  test('exponential aliases are a fault and do not exhaust memory', () => {
    const level = (at: number) => `l${at}: &l${at} [${Array.from({ length: 10 }, () => `*l${at - 1}`).join(', ')}]\n`
    const text = `l0: &l0 [x, x]\n${[1, 2, 3, 4, 5, 6, 7, 8, 9].map(level).join('')}`
    expect(faults({ text, flags: ORIGIN })).toMatchObject([{ where: 'herdgate.yaml' }])
  })

  test('a self-referencing alias and very deep nesting are faults', () => {
    expect(faults({ text: 'version: &v [*v]', flags: ORIGIN })).not.toEqual([])
    const deep = faults({ text: '['.repeat(20_000), flags: ORIGIN })
    expect(deep.length).toBeGreaterThan(0)
    expect(deep.length).toBeLessThanOrEqual(10)
  })

  test('any text gives a result, and each fault has a line and a column', () => {
    const piece = fc.constantFrom(
      'version: 1',
      'routes:',
      '  - ',
      'a: ',
      '${',
      '}',
      '{',
      '[',
      '*x',
      '&x ',
      '\n',
      '"',
      '!',
      '$$',
      '\t',
      '<<: ',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 30 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (text) => {
        for (const { where, message } of faults({ text, flags: ORIGIN })) {
          expect(where).toMatch(/^herdgate\.yaml(:\d+:\d+)?$/)
          expect(message).not.toBe('')
        }
      }),
      { numRuns: 500 },
    )
  })
})
