import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { type Herdgate, startHerdgate, TOKEN } from '../support/herdgate.ts'
import { get, type Origin, startOrigin } from '../support/http.ts'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const { HERDGATE_ADMIN_TOKEN: _, ...clean } = process.env
  const child = spawn(process.execPath, [CLI, ...args], { env: { ...clean, ...env } })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out, err }
}

let origin: Origin
let herdgate: Herdgate
let admin: string[]
beforeAll(async () => {
  origin = await startOrigin((request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=600', 'Surrogate-Key': `all ${request.url?.slice(1)}` })
    response.end('content')
  })
  herdgate = await startHerdgate(['--origin', origin.url])
  admin = ['--admin', herdgate.admin, '--token', TOKEN]
})
afterAll(async () => {
  await herdgate.stop()
  await origin.kill()
})

const result = async (path: string): Promise<string> => (await get(`${herdgate.url}${path}`)).cacheStatus

describe('herdgate purge', () => {
  test.each([
    ['--tag', () => 'tagged', () => '/tagged'],
    ['--url', () => `${herdgate.url}/named?x=1`, () => '/named?x=1'],
    ['--prefix', () => `${herdgate.url}/below`, () => '/below/it'],
  ] satisfies [string, () => string, () => string][])('%s purges what it names', async (flag, value, path) => {
    await result(path())
    expect(await result(path())).toContain('hit')
    const { code, out } = await run(['purge', flag, value(), ...admin])
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringContaining('purged, acknowledged by the only node'),
    })
    expect(await result(path())).toContain('fwd=uri-miss')
  })

  test('--soft marks responses stale', async () => {
    await result('/soft')
    expect(await run(['purge', '--all', '--soft', ...admin])).toMatchObject({ code: 0 })
    expect(await result('/soft')).toContain('fwd=stale')
  })

  test('takes the token from the environment', async () => {
    const asked = await run(['purge', '--tag', 'x', '--admin', herdgate.admin], { HERDGATE_ADMIN_TOKEN: TOKEN })
    expect(asked).toMatchObject({ code: 0, err: '' })
  })

  test.each([
    ['nothing to purge', [], 2, 'nothing selected'],
    ['a wrong token', ['--tag', 'x', '--token', 'wrong'], 1, 'token is wrong'],
    ['a malformed token', ['--tag', 'x', '--token', 'two\nlines'], 2, 'the admin token: expected'],
    ['an invalid URL', ['--url', 'shop'], 1, '400'],
    ['an invalid address', ['--tag', 'x', '--admin', 'shop'], 2, '--admin'],
    ['a port nobody listens on', ['--tag', 'x', '--admin', 'http://127.0.0.1:2'], 1, 'ECONNREFUSED'],
  ])('%s is reported', async (_, args, code, said) => {
    const asked = await run(['purge', ...admin, ...args])
    expect(asked).toMatchObject({ code, out: '', err: expect.stringContaining(said) })
  })

  test.each([
    ['HERDGATE_ADMIN_HOST', 'two words'],
    ['HERDGATE_ADMIN_PORT', '99999'],
  ])('an invalid admin address in the environment is reported by its variable: %s=%s', async (name, value) => {
    for (const args of [['purge', '--tag', 'x', '--token', TOKEN], ['probe']]) {
      const asked = await run(args, { [name]: value })
      expect(asked).toMatchObject({ code: 2, err: expect.stringContaining(name) })
      expect(asked.err).toContain(value)
    }
  })

  test('a missing token is reported', async () => {
    const asked = await run(['purge', '--tag', 'x', '--admin', herdgate.admin])
    expect(asked).toMatchObject({ code: 2, err: expect.stringContaining('HERDGATE_ADMIN_TOKEN') })
  })
})

test('herdgate purge says how long it took, then what the nodes that have not acknowledged it will do', async () => {
  const receipt = { id: 'i', position: 7, nodes: { expected: 3, acked: 2 }, tookMs: 3001 }
  const other = await startOrigin((_request, response) => response.writeHead(202).end(JSON.stringify(receipt)))
  const { code, out } = await run(['purge', '--tag', 'x', '--admin', other.url, '--token', TOKEN])
  await other.kill()
  expect({ code, out }).toEqual({
    code: 0,
    out: 'purged, acknowledged by 2 of 3 nodes in 3001 ms (record 7, i); the others honour it within two leases\n',
  })
})

describe('herdgate explain', () => {
  test('says what is stored and for how long it may be used', async () => {
    await result('/explained')
    const { code, out } = await run(['explain', `${herdgate.url}/explained`, '--header', 'Accept: */*', ...admin])
    expect(code).toBe(0)
    expect(out).toMatch(/^decision +serve \(fresh\)$/m)
    expect(out).toMatch(/^stored +200, 7 bytes, in memory$/m)
    expect(out).toMatch(/^tags +all explained$/m)
    expect(out).toMatch(/^age +\d+ s of 600 s: fresh for \d+ s$/m)
  })

  test('prints the answer of the admin API unchanged with --json', async () => {
    const { out } = await run(['explain', `${herdgate.url}/nothing`, '--json', ...admin])
    expect(JSON.parse(out)).toMatchObject({ decision: 'fetch', why: 'uri-miss' })
  })

  test('reports a malformed header', async () => {
    expect(await run(['explain', `${herdgate.url}/x`, '--header', 'Accept', ...admin])).toMatchObject({ code: 2 })
  })
})

test.each([
  ['purge', ['purge', '--tag', 'x'], 200],
  ['explain', ['explain', 'http://shop.example/'], 200],
  ['purge', ['purge', '--tag', 'x'], 404],
  ['explain', ['explain', 'http://shop.example/'], 404],
])('%s reports that what answers is not an admin port: %j, %i', async (_, args, status) => {
  const other = await startOrigin((_request, response) => response.writeHead(status).end('{"message":"Not ours"}'))
  const asked = await run([...args, '--admin', other.url, '--token', TOKEN])
  await other.kill()
  expect(asked).toMatchObject({ code: 1, out: '' })
  expect(asked.err).toBe(`herdgate: ${other.url}: answered ${status}, but is not a Herdgate admin port\n`)
})

test.each([
  ['purge', ['--tag', 'x'], '/herdgate', '/herdgate/v1/purge'],
  ['purge', ['--tag', 'x', '--soft'], '/a/b/', '/a/b/v1/invalidate'],
  ['explain', ['http://shop.example/'], '/herdgate', '/herdgate/v1/explain'],
])('%s %j sends its request below the path of --admin: %s', async (command, args, base, path) => {
  const asked: (string | undefined)[] = []
  const gateway = await startOrigin((request, response) => {
    asked.push(request.url?.replace(/\?.*/, ''))
    response.writeHead(404).end()
  })
  await run([command, ...args, '--admin', gateway.url + base, '--token', TOKEN])
  await gateway.kill()
  expect(asked).toEqual([path])
})

describe('herdgate init', () => {
  test('writes a valid configuration, and overwrites it only with --force', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'init-'))
    const file = join(folder, 'shop.yaml')
    const args = ['init', file, '--origin', 'http://10.0.0.5:3000', '--ttl', '30s', '--redis', 'redis://10.0.0.7:6379']
    expect(await run(args)).toMatchObject({ code: 0, err: '' })
    const written = await readFile(file, 'utf8')
    expect(await run(['check', '--config', file])).toMatchObject({ code: 0 })
    expect(await run(args)).toMatchObject({ code: 1, err: expect.stringContaining('--force') })
    expect(await run([...args, '--force'])).toMatchObject({ code: 0 })
    expect(await readFile(file, 'utf8')).toBe(written)
    await rm(folder, { recursive: true })
  })

  test.each(['', '--redis=redis://10.0.0.7:6379'])('leaves the size of memory to the container %s', async (redis) => {
    const folder = await mkdtemp(join(tmpdir(), 'init-memory-'))
    const path = join(folder, 'shop.yaml')
    await run(['init', path, '--origin', 'http://a', ...(redis === '' ? [] : [redis])])
    const file = { path, text: await readFile(path, 'utf8') }
    const capacity = { container: 512 * 2 ** 20 }
    const loaded = loadConfig({ flags: {}, env: {}, file, readFile: () => '', capacity })
    expect(loaded.ok && loaded.config.store.memory.maxBytes / 2 ** 20).toBe(153)
    await rm(folder, { recursive: true })
  })

  test('makes a file with a password readable by its owner only, even if others could read it before', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'init-secret-'))
    const rightsOf = async (file: string) => (await stat(file)).mode & 0o777
    const withRedis = (file: string, url: string) =>
      run(['init', file, '--origin', 'http://a', '--force', '--redis', url])
    const [open, secret] = [join(folder, 'open.yaml'), join(folder, 'secret.yaml')]
    await withRedis(open, 'redis://10.0.0.7')
    expect((await rightsOf(open)) & 0o044).toBe(0o044 & ~process.umask())
    for (const file of [secret, open]) {
      await withRedis(file, 'redis://:pass@10.0.0.7')
      expect(await rightsOf(file)).toBe(0o600)
    }
    expect(await readFile(open, 'utf8')).toBe(await readFile(secret, 'utf8'))
    await rm(folder, { recursive: true })
  })

  test('writes the variables of secrets, not their values, and ignores settings in the environment', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'init-variable-'))
    const file = join(folder, 'shop.yaml')
    const args = ['init', file, '--origin', 'http://a', '--redis', 'redis://:${REDIS_PASSWORD}@10.0.0.7']
    const err = expect.stringContaining('environment variable REDIS_PASSWORD is not set')
    expect(await run(args)).toMatchObject({ code: 2, err })
    const env = { REDIS_PASSWORD: 'not-to-be-written', HERDGATE_PORT: 'none' }
    expect(await run(args, env)).toMatchObject({ code: 0, err: '' })
    const written = await readFile(file, 'utf8')
    expect(written).toContain('"redis://:${REDIS_PASSWORD}@10.0.0.7"')
    expect(written).not.toContain('not-to-be-written')
    await rm(folder, { recursive: true })
  })

  test('reports an invalid configuration, and writes nothing', async () => {
    const file = join(tmpdir(), 'never-written.yaml')
    expect(await run(['init', file, '--origin', 'shop'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('origins'),
    })
    await expect(readFile(file)).rejects.toThrow('ENOENT')
  })
})
