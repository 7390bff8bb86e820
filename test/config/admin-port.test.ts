import { describe, expect, test } from 'vitest'
import { faultLines, faults, notes, ONE, ORIGIN, valid } from './given.ts'

describe('the admin port', () => {
  const token = 'a-token-of-24-characters'

  test.each(['0.0.0.0', '::', '10.0.0.1', 'admin.example'])('on %s needs a token', (adminHost) => {
    expect(faults({ flags: { ...ORIGIN, adminHost } })).toMatchObject([{ where: '--admin-host', key: 'admin.token' }])
    expect(faults({ flags: { ...ORIGIN, adminHost, adminToken: token } })).toEqual([])
    expect(faults({ flags: { ...ORIGIN, adminHost }, env: { HERDGATE_ADMIN_TOKEN: token } })).toEqual([])
  })

  test.each(['127.0.0.1', '127.8.8.8', '::1', '[::1]', 'localhost', 'LOCALHOST'])('on %s needs none', (adminHost) => {
    expect(faults({ flags: { ...ORIGIN, adminHost } })).toEqual([])
  })

  test('cannot be the data port, unless on another address or any free one', () => {
    expect(faults({ flags: { ...ORIGIN, port: '9090' } })).toMatchObject([{ where: '--port', key: 'listen.port' }])
    expect(faults({ flags: { ...ORIGIN, adminPort: '8080' } })).toMatchObject([{ where: '--admin-port' }])
    expect(faults({ flags: { ...ORIGIN, port: '9090', host: '127.0.0.2' } })).toEqual([])
    expect(faults({ flags: { ...ORIGIN, port: '0', adminPort: '0' } })).toEqual([])
  })

  test.each([
    ['0.0.0.0', '::1', 0],
    ['::1', '0.0.0.0', 0],
    ['127.0.0.1', '::1', 0],
    ['0.0.0.0', '127.0.0.1', 1],
    ['0.0.0.0', '::ffff:127.0.0.1', 1],
    ['0.0.0.0', 'localhost', 1],
    ['0.0.0.0', '::', 1],
    ['::', '127.0.0.1', 1],
    ['::', '::1', 1],
    ['::1', '::1', 1],
  ])("at the data port's number, with hosts %s and %s, is a fault %d times", (host, adminHost, count) => {
    const flags = { ...ORIGIN, host, adminHost, port: '9090', adminPort: '9090', adminToken: token }
    expect(faults({ flags }).map(({ where }) => where)).toEqual(Array.from({ length: count }, () => '--admin-port'))
  })

  test('takes its token from a file, without the line break', () => {
    const env = { HERDGATE_ADMIN_TOKEN_FILE: '/run/token' }
    expect(valid({ flags: ORIGIN, env, files: { '/run/token': `${token}\n` } }).admin.token).toBe(token)
    expect(faults({ flags: ORIGIN, env })).toMatchObject([{ where: 'HERDGATE_ADMIN_TOKEN_FILE' }])
    const both = { ...env, HERDGATE_ADMIN_TOKEN: token }
    expect(faults({ flags: ORIGIN, env: both, files: { '/run/token': token } })).toHaveLength(1)
  })

  test('refuses an empty token wherever it is given, and warns of a short one', () => {
    expect(faults({ flags: { ...ORIGIN, adminToken: '' } })).toMatchObject([{ where: '--admin-token' }])
    expect(faults({ flags: ORIGIN, env: { HERDGATE_ADMIN_TOKEN: '' } })).toHaveLength(1)
    const env = { HERDGATE_ADMIN_TOKEN_FILE: 'f' }
    expect(faults({ flags: ORIGIN, env, files: { f: '\n' } })).toHaveLength(1)
    expect(faults({ text: `${ONE}admin: { token: "" }` })).toHaveLength(1)
    expect(notes({ flags: { ...ORIGIN, adminToken: 'secret' } })).toMatchObject([expect.stringContaining('shorter')])
    expect(notes({ flags: { ...ORIGIN, adminToken: token } })).toEqual([])
  })

  test('never has its token shown in a fault', () => {
    const secret = 'hunter two'
    const all = [
      ...faultLines({ flags: { ...ORIGIN, adminToken: secret } }),
      ...faultLines({ flags: ORIGIN, env: { HERDGATE_ADMIN_TOKEN: secret } }),
      ...faultLines({ text: `${ONE}admin: { token: "${secret}" }` }),
    ]
    expect(all).toHaveLength(3)
    expect(all.join()).not.toContain('hunter')
  })
})

describe('limited tokens', () => {
  const limited = (tokens: unknown) => `${ONE}admin: ${JSON.stringify({ token: 'the-token-for-everything', tokens })}`
  const TEAM = { name: 'team-a', token: 'the-token-of-team-a', tags: ['team-a:*'] }

  test('have every right that they do not name denied', () => {
    expect(valid({ text: limited([TEAM]) }).admin.tokens).toEqual([{ ...TEAM, read: false, prefixes: [] }])
  })

  test.each([
    ['the same name twice', [TEAM, { ...TEAM, token: 'another-token-of-team-a' }], 'admin.tokens[1].name'],
    ['the same token twice', [TEAM, { ...TEAM, name: 'team-b' }], 'admin.tokens[1].token'],
    ['the token for everything', [{ ...TEAM, token: 'the-token-for-everything' }], 'admin.tokens[0].token'],
    ['no right at all', [{ name: 'team-a', token: 'the-token-of-team-a', read: 'false' }], 'admin.tokens[0]'],
    ['a token in place of a map', ['the-token-of-team-a'], 'admin.tokens[0]'],
    ['a token in place of a list', 'the-token-of-team-a', 'admin.tokens'],
    ['a wildcard within a tag', [{ ...TEAM, tags: ['team*a'] }], 'admin.tokens[0].tags[0]'],
    ['white space around a tag', [{ ...TEAM, tags: [' team-a'] }], 'admin.tokens[0].tags[0]'],
    ['too many tags', [{ ...TEAM, tags: Array.from({ length: 129 }, (_, at) => `${at}`) }], 'admin.tokens[0].tags'],
    ['an empty token', [{ ...TEAM, token: '' }], 'admin.tokens[0].token'],
    ['a name that could be mistaken in the log', [{ ...TEAM, name: 'a b' }], 'admin.tokens[0].name'],
    ['a prefix without a scheme', [{ ...TEAM, prefixes: ['shop.example/a'] }], 'admin.tokens[0].prefixes[0]'],
    ['a prefix with a wildcard', [{ ...TEAM, prefixes: ['https://shop.example/*'] }], 'admin.tokens[0].prefixes[0]'],
    ['a prefix with a query', [{ ...TEAM, prefixes: ['https://shop.example/?a'] }], 'admin.tokens[0].prefixes[0]'],
    ['an empty tag', [{ ...TEAM, tags: [''] }], 'admin.tokens[0].tags[0]'],
    ['an unknown key', [{ ...TEAM, purge: true }], 'admin.tokens[0].purge'],
  ])('with %s are a fault, which shows no token', (_what, tokens, key) => {
    const found = faults({ text: limited(tokens) })
    expect(found).toMatchObject([{ where: expect.stringContaining('herdgate.yaml:'), key }])
    expect(JSON.stringify(found)).not.toContain('the-token')
  })

  test('may repeat neither a token of the flags nor one of the environment', () => {
    const text = `${ONE}admin: ${JSON.stringify({ tokens: [TEAM] })}`
    const same = [{ key: 'admin.tokens[0].token' }]
    expect(faults({ text, flags: { adminToken: TEAM.token } })).toMatchObject(same)
    expect(faults({ text, env: { HERDGATE_ADMIN_TOKEN: TEAM.token } })).toMatchObject(same)
  })

  test('are warned of when they are short', () => {
    const [note] = notes({ text: limited([{ ...TEAM, token: 'short' }]) })
    expect(note).toContain('the token of team-a is shorter')
  })

  test('do not open the admin port to others: that takes the token for everything', () => {
    const text = `${ONE}admin: ${JSON.stringify({ host: '0.0.0.0', tokens: [TEAM] })}`
    expect(faults({ text })).toMatchObject([{ key: 'admin.token' }])
  })
})
