import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { get, type Origin, startOrigin } from '../support/http.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const CLI = join(REPOSITORY, 'src/cli.ts')
/** Makes Node take its output for a terminal. */
const IN_A_TERMINAL = ['--import', 'data:text/javascript,process.stdout.isTTY=true']
const FREE_PORTS = ['--host', '127.0.0.1', '--port', '0', '--admin-port', '0']

let folder: string
let running: Command[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'herdgate-cli-'))
})

afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill('SIGKILL')
    await ended
  }
  running = []
  rmSync(folder, { recursive: true })
})

interface Command {
  readonly child: ChildProcess
  readonly output: { out: string; err: string }
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Resolves once standard output or standard error matches. */
  until(pattern: RegExp): Promise<RegExpMatchArray>
}

/** The real command in an empty folder, with only the environment that is given, and what is compiled already. */
function start(args: readonly string[], env: Record<string, string> = {}, node: readonly string[] = []): Command {
  const child = spawn(process.execPath, [...node, CLI, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text))
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  const until = (pattern: RegExp) =>
    new Promise<RegExpMatchArray>((resolve, reject) => {
      const look = () => {
        const found = `${output.out}\n${output.err}`.match(pattern)
        if (found !== null) resolve(found)
      }
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      child.once('close', () => reject(new Error(`ended without ${pattern}: ${output.out}${output.err}`)))
      look()
    })
  const command = { child, output, ended, until }
  running.push(command)
  return command
}

async function run(args: readonly string[], env: Record<string, string> = {}, node: readonly string[] = []) {
  const { ended, output } = start(args, env, node)
  const { code } = await ended
  return { code, ...output }
}

async function serve(args: readonly string[], env: Record<string, string> = {}) {
  const command = start([...FREE_PORTS, ...args], env)
  const [, data = '', admin = ''] = await command.until(
    /listening on (http:\/\/\S+:\d+), admin on (http:\/\/[\w.:]+:\d+)/,
  )
  return { ...command, data, admin }
}

describe('herdgate check', () => {
  test('says that the configuration is valid, and summarises it', async () => {
    const { code, out, err } = await run(['check', '--origin', 'http://api.example:3000'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^configuration is valid\n/)
    expect(out).toContain('http://api.example:3000')
  })

  test('writes an IPv6 address in brackets', async () => {
    const { out } = await run(['check', '--origin', 'http://a', '--host', '::', '--admin-host', '::1'])
    expect(out).toMatch(/^ {2}data {3}\[::\]:8080$/m)
    expect(out).toMatch(/^ {2}admin {2}\[::1\]:9090$/m)
  })

  test('reports all faults of flags, environment and file together, on standard error', async () => {
    writeFileSync(join(folder, 'herdgate.yaml'), 'version: 1\nlistn: {}\norigins:\n  a: { urls: [nowhere:1] }\n')
    const args = ['check', '--tll', '5s', '--grace', 'long', 'stray']
    const { code, out, err } = await run(args, { HERDGATE_MEMORY: '1MB' })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    for (const line of [
      '--tll: unknown flag; did you mean --ttl?',
      'stray: unexpected argument',
      '--grace: grace: expected a duration',
      'HERDGATE_MEMORY: memory: expected a size',
      'herdgate.yaml:2:1: listn: unknown key; did you mean listen?',
      'herdgate.yaml:4:15: origins.a.urls[0]: expected an http://',
    ]) {
      expect(err).toContain(line)
    }
  })

  test.each(['herdgate check', 'herdgate serve', 'herdgate'])(
    '%s reports a flag without its value together with the other faults',
    async (line) => {
      const [, ...command] = line.split(' ')
      const { code, err } = await run([...command, '--ttl', '5', '--port'], { HERDGATE_GRACE: 'long' })
      expect(code).toBe(2)
      expect(err).toContain('  --ttl: ttl: expected a duration')
      expect(err).toContain('  --port: port: expected a port from 0 (any free one) to 65535, got ""\n')
      expect(err).toContain('  HERDGATE_GRACE: grace: expected a duration')
    },
  )

  test('prints the configuration in effect as a file that reproduces it, without secrets', async () => {
    writeFileSync(join(folder, 'herdgate.yaml'), 'version: 1\norigins: { a: { urls: ["http://a.test"] } }\n')
    const token = 'given-token-of-some-length'
    const first = await run(['check', '--print-config', '--ttl', '90s', '--admin-token', token], { PORT: '8082' })
    expect({ code: first.code, err: first.err }).toEqual({ code: 0, err: '' })
    expect(first.out).toContain('port: 8082')
    expect(first.out).toContain('ttl: 90s')
    expect(first.out).not.toContain(token)
    writeFileSync(join(folder, 'printed.yaml'), first.out)
    const second = await run(['check', '--config', 'printed.yaml', '--print-config'], { ADMIN_TOKEN: token })
    expect(second).toEqual({ code: 0, out: first.out, err: '' })
    const { code, out, err } = await run(['check', '--print-config', '--ttl', '90'])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('--ttl: ttl: expected a duration')
  })

  test('reads ./herdgate.yaml if it exists, unless another file is named', async () => {
    writeFileSync(join(folder, 'herdgate.yaml'), 'version: 1\norigins: { a: { urls: ["http://custom"] } }\n')
    writeFileSync(join(folder, 'other.yaml'), 'version: 1\norigins: { a: { urls: ["http://named"] } }\n')
    expect((await run(['check'])).out).toContain('http://custom')
    expect((await run(['check', '--config', 'other.yaml'])).out).toContain('http://named')
    expect((await run(['check'], { HERDGATE_CONFIG: 'other.yaml' })).out).toContain('http://named')
  })

  test('reports a named file that does not exist', async () => {
    const { code, err } = await run(['check', '--origin', 'http://a', '--config', 'gone.yaml'])
    expect(code).toBe(2)
    expect(err).toContain('--config: cannot read gone.yaml: there is no such file')
  })

  test.each(['check --config', 'check --config='])('reports an empty name of a file: %s', async (line) => {
    const { code, err } = await run(line.split(' '))
    expect(code).toBe(2)
    expect(err).toContain('  --config: expected the path of a file, got ""\n')
  })

  test.each([
    [['--', '--origin', 'http://a'], '--origin: comes after "--", where no flag is read'],
    [['check', '--', '--ttl=5s'], '--ttl: comes after "--", where no flag is read'],
    [['check', '--', '-h'], '-h: comes after "--", where no flag is read'],
    [['check', '--chaos=true'], '--chaos: takes no value'],
    [['check', '--help=1'], '--help: takes no value'],
  ])('says why a flag that it has was not read: %j', async (args, said) => {
    const { code, err } = await run(args)
    expect(code).toBe(2)
    expect(err).toContain(`  ${said}\n`)
  })

  test.each([
    [['check', 'shop.yaml'], 'shop.yaml: unexpected argument; give a configuration file with --config'],
    [['conf/herdgate.yml'], 'conf/herdgate.yml: unexpected argument; give a configuration file with --config'],
    [['http://api.example:3000'], 'http://api.example:3000: unexpected argument; give an origin with --origin'],
    [['purgee'], 'purgee: unexpected argument; did you mean purge?'],
  ])('says what to write instead of a stray argument: %j', async (args, said) => {
    const { code, err } = await run(args)
    expect(code).toBe(2)
    expect(err).toContain(`  ${said}\n`)
  })

  test.each(['--tape', '--threads'])('rejects the unknown flag %s', async (flag) => {
    const { code, err } = await run(['check', '--origin', 'http://a', flag, '1'])
    expect(code).toBe(2)
    expect(err).toContain(`${flag}: unknown flag`)
  })
})

describe('help', () => {
  test('names the commands, examples and exit codes', async () => {
    const { code, out } = await run(['--help'])
    expect(code).toBe(0)
    for (const word of ['serve', 'check', 'schema', 'demo', 'probe', 'Examples', 'Exit codes'])
      expect(out).toContain(word)
  })

  test('of serve names every flag with its environment variable', async () => {
    const { code, out } = await run(['serve', '--help'])
    expect(code).toBe(0)
    const names = ['origin', 'host', 'port', 'admin-host', 'admin-port', 'admin-token', 'ttl', 'grace', 'soft-timeout']
    for (const name of [...names, 'cookies', 'memory', 'config', 'log-level']) {
      expect(out).toContain(`--${name} <`)
      expect(out).toContain(`HERDGATE_${name.replaceAll('-', '_').toUpperCase()}`)
    }
  })

  test('of check has an example that writes the configuration to a file, and works as printed', async () => {
    const { out } = await run(['check', '--help'])
    const [, example = ''] = /^ {2}herdgate (.* --print-config > \S+)$/m.exec(out) ?? []
    execFileSync('sh', ['-c', `"${process.execPath}" "${CLI}" ${example}`], { cwd: folder })
    const [written = ''] = readdirSync(folder)
    expect(readFileSync(join(folder, written), 'utf8')).toContain('https://api.example.com')
  })

  test('has --version, which prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'))
    expect(await run(['--version'])).toMatchObject({ code: 0, out: `${version}\n` })
  })
})

test.each([[['--help']], [['schema']]])('the reader of %j may stop early, as head does', async (args) => {
  const { child, ended, output } = start(args)
  child.stdout?.destroy()
  expect(await ended).toEqual({ code: 0, signal: null })
  expect(output.err).toBe('')
})

test('herdgate schema prints a JSON Schema', async () => {
  const { code, out } = await run(['schema'])
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ type: 'object', required: ['version'], additionalProperties: false })
})

test.each([
  ['schema', '--ttl'],
  ['demo', '--ttl'],
  ['demo', '--port', '70000'],
  ['--origin', 'http://a', '--ttl'],
])('wrong usage exits with 2: %s %s', async (...args) => {
  expect(await run(args)).toMatchObject({ code: 2, out: '' })
})

test('herdgate demo --api-only starts the slow API alone, to put a Herdgate in front of', async () => {
  const { child, ended, output, until } = start(['demo', '--api-only', '--origin-port', '0'])
  const [, url = ''] = await until(/^Slow API +(http:\/\/127\.0\.0\.1:\d+)$/m)
  expect(await (await fetch(`${url}/__stats`)).json()).toEqual({ total: 0, paths: {} })
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 0 })
  expect(output.out).not.toContain('Herdgate')
})

test.each(['--port', '--admin-port', '--origin-port'])(
  'herdgate demo names the flag whose value is not a port: %s',
  async (flag) => {
    expect(await run(['demo', flag, '70000'])).toEqual({
      code: 2,
      out: '',
      err: `herdgate: ${flag}: expected a port from 0 to 65535, got 70000\n`,
    })
  },
)

test.each([
  [['--port', '9090'], '--admin-port', '--port', '9090'],
  [['--port', '3000'], '--origin-port', '--port', '3000'],
  [['--origin-port', '9090'], '--origin-port', '--admin-port', '9090'],
])('herdgate demo %s: two equal ports are reported, even if one is a default', async (flags, flag, other, port) => {
  const err = `herdgate: ${flag}: expected a port other than that of ${other}, got ${port}\n`
  expect(await run(['demo', ...flags])).toMatchObject({ code: 2, err })
})

test('a Node that is too old is reported in one line', async () => {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.12.0' } })`
  const node = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`]
  const { code, out, err } = await run(['--version'], {}, node)
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toMatch(/^herdgate needs Node 24 or newer; this is 22\.12\.0\n$/)
})

describe('herdgate serve', () => {
  let origin: Origin
  let release: () => void
  let arrived: Promise<void>

  beforeEach(async () => {
    const gate = Promise.withResolvers<void>()
    const arrival = Promise.withResolvers<void>()
    release = gate.resolve
    arrived = arrival.promise
    origin = await startOrigin((request, response) => {
      if (request.url !== '/slow') return void response.end('quick')
      arrival.resolve()
      void gate.promise.then(() => response.end('slow'))
    })
  })

  afterEach(() => origin.kill())

  test('is the default command, and logs one line with both addresses at any log level', async () => {
    const { data, admin, output } = await serve(['--origin', origin.url, '--log-level', 'error'])
    expect((await get(data)).body).toBe('quick')
    expect((await get(`${admin}/livez`)).status).toBe(200)
    expect(output.out.match(/listening/g)).toHaveLength(1)
  })

  test('can be configured by the environment alone', async () => {
    const { data } = await serve([], { HERDGATE_ORIGIN: origin.url, HERDGATE_TTL: '1m' })
    expect((await get(data)).cacheStatus).toContain('stored')
    expect((await get(data)).cacheStatus).toContain('hit')
  })

  test.each([
    [{ HERDGATE_REVISION: '3cb5be3' }, '3cb5be3'],
    [{}, 'unknown'],
  ])('reports in its metrics which revision it was built from: with %j, %s', async (env, revision) => {
    const { admin } = await serve(['--origin', origin.url], env)
    expect((await get(`${admin}/metrics`)).body).toMatch(
      new RegExp(`^herdgate_build_info\\{.*revision="${revision}"`, 'm'),
    )
  })

  test('generates a token, prints it once and accepts no other', async () => {
    const { admin, until, output } = await serve(['--origin', origin.url, '--log-level', 'error'])
    const [, token = ''] = await until(/"adminToken":"([\w-]+)"/)
    expect(Buffer.from(token, 'base64url').length).toBeGreaterThanOrEqual(16)
    expect(output.out.split(token)).toHaveLength(2)
    const stats = (bearer: string) => get(`${admin}/v1/stats`, { headers: { authorization: `Bearer ${bearer}` } })
    expect((await stats(token)).status).toBe(200)
    expect((await stats(`${token}x`)).status).toBe(401)
  })

  test('never prints a token that was given', async () => {
    const token = 'given-token-of-some-length'
    const { output } = await serve(['--origin', origin.url, '--admin-token', token])
    expect(output.out + output.err).not.toContain(token)
  })

  test.each([
    [{}, undefined],
    [{ HERDGATE_ADMIN_TOKEN: 'given-token-of-some-length' }, 'given-token-of-some-length'],
  ])('shows in a terminal a purge that works when pasted: with %j', async (env, token) => {
    const { until } = start([...FREE_PORTS, '--origin', origin.url], env, IN_A_TERMINAL)
    const [, curl = ''] = await until(/^ +(curl -X POST .*)$/m)
    if (token !== undefined) expect(curl).not.toContain(token)
    const answer = execFileSync('sh', ['-c', curl], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
      stdio: 'pipe',
    })
    expect(JSON.parse(answer)).toMatchObject({ nodes: { expected: 1, acked: 1 } })
  })

  test('refuses an admin host other than loopback without a token', async () => {
    const { code, err } = await run([...FREE_PORTS, '--origin', origin.url, '--admin-host', '0.0.0.0'])
    expect(code).toBe(2)
    expect(err).toContain('--admin-host: admin.token: required')
  })

  test.each(['--host', '--admin-host'])('names %s as the flag of a host it cannot listen on', async (flag) => {
    const token = ['--admin-token', 'long-enough-to-pass']
    const { code, err } = await run([...FREE_PORTS, ...token, '--origin', origin.url, flag, 'nowhere.invalid'])
    expect(code).toBe(1)
    expect(err).toContain(`nowhere.invalid is not an address of this machine; see ${flag}\n`)
  })

  test.each(['--port', '--admin-port'])('says that the port is in use and that %s changes it', async (flag) => {
    const taken = net.createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { code, err } = await run([...FREE_PORTS, '--origin', origin.url, flag, String(port)])
    taken.close()
    expect(code).toBe(1)
    expect(err).toContain(`127.0.0.1:${port} is in use`)
    expect(err).toMatch(new RegExp(` ${flag}\\n$`))
  })

  test.each([
    ['--port', '127.0.0.1', '127.0.0.2'],
    ['--port', '127.0.0.1', '127.0.0.2', '--workers', '2'],
    ['--admin-port', '127.0.0.2', '127.0.0.1'],
    ['--admin-port', '127.0.0.2', 'localhost'],
  ])('with one port for both hosts says that %s is in use: %s and %s', async (flag, host, adminHost, ...more) => {
    const taken = net.createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const hosts = ['--host', host, '--admin-host', adminHost, '--admin-token', 'long-enough-to-pass']
    const ports = ['--port', String(port), '--admin-port', String(port)]
    const { code, err } = await run([...hosts, ...ports, ...more, '--origin', origin.url])
    taken.close()
    expect(code).toBe(1)
    expect(err).toContain(`127.0.0.1:${port} is in use; choose another with ${flag}\n`)
  })

  test('starts even if the name of its origin cannot be resolved, and logs which one', async () => {
    const { data, until } = await serve(['--origin', 'http://origin.invalid'])
    await until(/origin\.invalid cannot be resolved/)
    expect((await get(data)).status).toBe(502)
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s answers requests in flight, accepts no more and exits with 0',
    async (signal) => {
      const { data, child, ended, until } = await serve(['--origin', origin.url])
      const answer = get(`${data}/slow`)
      await arrived
      child.kill(signal)
      await until(new RegExp(`${signal}: finishing`))
      // Connections accepted by then are still answered.
      await expect.poll(() => get(data).catch(String)).toMatch(/ECONNREFUSED|ECONNRESET|socket hang up/)
      release()
      expect((await answer).body).toBe('slow')
      expect(await ended).toEqual({ code: 0, signal: null })
    },
  )

  test.each([1, 2])('on SIGTERM while it reads its configuration exits with 0, with %i workers', async (workers) => {
    const pipe = join(folder, 'herdgate.yaml')
    execFileSync('mkfifo', [pipe])
    const { child, ended } = start([
      ...FREE_PORTS,
      '--origin',
      origin.url,
      '--workers',
      String(workers),
      '--config',
      pipe,
    ])
    const configuration = await open(pipe, 'w') // resolves when Herdgate begins to read it
    child.kill('SIGTERM')
    await configuration.writeFile('version: 1\n')
    await configuration.close()
    expect(await ended).toEqual({ code: 0, signal: null })
  })

  test('exits on SIGTERM even if nobody reads its log any more', async () => {
    const { child, ended } = await serve(['--origin', origin.url])
    child.stdout?.destroy()
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: 0, signal: null })
  })

  test('on a second SIGTERM exits at once', async () => {
    const { data, child, ended, until } = await serve(['--origin', origin.url])
    const broken = expect(get(`${data}/slow`)).rejects.toThrow()
    await arrived
    child.kill('SIGTERM')
    await until(/SIGTERM: finishing/)
    child.kill('SIGTERM')
    expect((await ended).code).toBe(1)
    await broken
  })
})
