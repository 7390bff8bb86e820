/**
 * Executes the steps of the Dockerfile in an empty folder, with the Dockerfile's own commands, on machines without a
 * container engine; then starts the result as the image's user and checks it: `.ci/replay-dockerfile`.
 *
 * Differences from a container: the base image is this machine with the Node that runs this script, and the root is not
 * read-only; instead Node's permission model rejects all writes outside the one folder.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import http from 'node:http'
import { loadavg, cpus, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { type AddressInfo } from 'node:net'
import { assignments, execForm, lastOf, letIn, parseDockerfile, type Stage } from './dockerfile.ts'

const MEBIBYTE = 1024 * 1024
const MAX_BYTES = 120 * MEBIBYTE
const START_MS = 1_000
/** Start time of Node alone on the reference machine; where it is slower, the limit is raised in proportion. */
const NODE_START_MS = 60
const SLACK = 1.5
const STARTS = 5
/** Allows for a machine that is busy with other work. */
const LONGEST_START_MS = 60_000
const WRITABLE = 'var/cache'
const HOST = `${process.platform}-${process.arch}`

const context = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'herdgate-image-'))
const bin = join(folder, 'bin')

try {
  if (process.getuid?.() !== 0) throw new Error('only root can run something as another user')
  await replay()
} finally {
  rmSync(folder, { recursive: true })
}

async function replay(): Promise<void> {
  chmodSync(folder, 0o755)
  mkdirSync(bin)
  copyFileSync(process.execPath, join(bin, 'node')) // any user may run it there
  const stages = parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'))
  for (const stage of stages) build(stage)
  const runtime = stages.at(-1)
  if (runtime === undefined) throw new Error('the Dockerfile has no stage')
  const app = inStage(runtime.name, lastOf(runtime, 'WORKDIR'))
  checkContents(app)
  checkSize(app)
  checkWritable(runtime, app)
  await checkStart(runtime, app)
}

// ---------------------------------------------------------------------------------------------------- steps

function inStage(stage: string, path: string): string {
  return join(folder, 'stages', stage, path)
}

function build(stage: Stage): void {
  let at = '/'
  for (const { name, text } of stage.instructions) {
    if (name === 'WORKDIR') {
      at = text
      mkdirSync(inStage(stage.name, at), { recursive: true })
    }
    if (name === 'COPY') copy(stage, at, text)
    if (name === 'RUN') {
      process.stdout.write(`${stage.name}: ${text}\n`)
      execFileSync('/bin/sh', ['-c', text], { cwd: inStage(stage.name, at), env: environment(stage), stdio: 'inherit' })
    }
  }
}

function copy(stage: Stage, at: string, text: string): void {
  const words = text.split(' ')
  const from = words[0]?.startsWith('--from=') === true ? words.shift()?.slice('--from='.length) : undefined
  const target = words.pop() ?? ''
  const destination = inStage(stage.name, target.startsWith('/') ? target : join(at, target))
  const allowed = letIn(readFileSync(join(context, '.dockerignore'), 'utf8'))
  for (const source of words) {
    if (from === undefined && !allowed.includes(source.replace(/^\.\//, ''))) {
      throw new Error(`.dockerignore keeps ${source} out`)
    }
    const path = from === undefined ? join(context, source) : inStage(from, source)
    cpSync(path, target.endsWith('/') ? join(destination, basename(source)) : destination, {
      recursive: true,
      verbatimSymlinks: true,
    })
  }
}

/** Nothing of this environment except npm's registry and cache, which it prefers to the network. */
function environment(stage: Stage): NodeJS.ProcessEnv {
  const npm = Object.entries(process.env).filter(
    ([name]) => /^npm_config_(?:registry|cache|userconfig)$/i.test(name) || name === 'HOME',
  )
  const path = [bin, '/usr/local/bin', '/usr/bin', '/bin'].join(':')
  return { PATH: path, npm_config_prefer_offline: 'true', ...Object.fromEntries(npm), ...assignments(stage, 'ENV') }
}

// --------------------------------------------------------------------------------------------------- checks

function checkContents(app: string): void {
  const found = readdirSync(app).sort()
  expectSame('contents', found, ['LICENSE', 'dist', 'node_modules', 'package.json', 'var'])
  expectSame('contents of dist', readdirSync(join(app, 'dist')).sort(), ['routes', 'src'])
  const packages = packagesIn(join(app, 'node_modules'))
  const dev = Object.keys(manifest.devDependencies).filter((name) => packages.includes(name))
  expectSame('development packages', dev, [])
  const foreign = packages.filter((name) => /(?:darwin|win32|linux)-/.test(name) && !name.includes(HOST))
  expectSame('native parts of other platforms', foreign, [])
  const all = readdirSync(join(app, 'dist'), { recursive: true, encoding: 'utf8' })
  expectSame(
    'tests, types and source maps',
    all.filter((file) => /\.test\.|\.d\.ts$|\.map$/.test(file)),
    [],
  )
  process.stdout.write(`contents: ${found.join(', ')}; ${packages.length} packages\n`)
}

function packagesIn(modules: string): string[] {
  return readdirSync(modules).flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : name,
  )
}

function checkSize(app: string): void {
  const [kibibytes = ''] = execFileSync('du', ['-sk', app], { encoding: 'utf8' }).split('\t')
  const bytes = Number(kibibytes) * 1024
  process.stdout.write(`size: ${(bytes / MEBIBYTE).toFixed(1)} MiB without Node\n`)
  if (bytes > MAX_BYTES) throw new Error(`more than ${MAX_BYTES / MEBIBYTE} MiB`)
}

/** A command and its arguments, run as the image's user. */
function asUser(runtime: Stage, command: readonly string[]): [string, string[]] {
  const [uid, gid] = lastOf(runtime, 'USER').split(':')
  return ['setpriv', [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs', '--', ...command]]
}

function checkWritable(runtime: Stage, app: string): void {
  const [program, args] = asUser(runtime, ['find', app, '-writable', '-not', '-type', 'l'])
  const writable = execFileSync(program, args, { encoding: 'utf8' }).trim().split('\n')
  expectSame('what its user can write to', writable, [join(app, WRITABLE)])
  process.stdout.write(`writable for ${lastOf(runtime, 'USER')}: ${WRITABLE}\n`)
}

async function checkStart(runtime: Stage, app: string): Promise<void> {
  const origin = http.createServer((_request, response) => response.end('from the origin'))
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  const { port } = origin.address() as AddressInfo
  try {
    const starts = []
    const ofNode: number[] = []
    for (let n = 0; n < STARTS; n++) {
      starts.push(await start(runtime, app, `http://127.0.0.1:${port}`))
      ofNode.push(startOfNode())
    }
    judgeStarts(starts, Math.min(...ofNode))
  } finally {
    origin.close()
  }
}

interface Start {
  /** Time until it reported that it listens. */
  readonly ms: number
  /** Processor time used until then. */
  readonly cpuMs: number
}

/** Starts it, sends a request through it, runs its own health check, and stops it. */
async function start(runtime: Stage, app: string, origin: string): Promise<Start> {
  const [node = '', ...entry] = execForm(lastOf(runtime, 'ENTRYPOINT'))
  const readOnly = ['--no-warnings', '--permission', '--allow-fs-read=*', `--allow-fs-write=${join(app, WRITABLE)}`]
  const permissions = [...readOnly, '--allow-net', '--allow-addons', '--allow-worker']
  const ports = ['--host', '127.0.0.1', '--port', '0', '--admin-port', '0']
  const serve = ['serve', ...ports, '--origin', origin, '--ttl', '1m', '--disk', WRITABLE]
  const [program, args] = asUser(runtime, [node, ...permissions, ...entry, ...serve])
  const began = performance.now()
  const child = spawn(program, args, { cwd: app, env: environment(runtime), stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const killer = setTimeout(() => child.kill('SIGKILL'), LONGEST_START_MS)
  let output = ''
  for await (const chunk of child.stdout) {
    output += String(chunk)
    if (output.includes('listening')) break
  }
  const taken = { ms: performance.now() - began, cpuMs: processorTime(child.pid) }
  const [, data, admin = ''] = /listening on (http:\S+), admin on (http:[^\s"]+)/.exec(output) ?? []
  if (data === undefined) throw new Error(`it did not start: ${output}`)
  const answer = await fetch(data)
  const text = await answer.text()
  expectSame('its answer', [answer.status, text], [200, 'from the origin'])
  checkHealth(runtime, app, admin)
  child.kill('SIGTERM')
  const [code] = await ended
  clearTimeout(killer)
  expectSame('exit code', code, 0)
  if (readdirSync(join(app, WRITABLE)).length === 0) throw new Error('it kept nothing on disk')
  return taken
}

function checkHealth(runtime: Stage, app: string, admin: string): void {
  const [, check = ''] = lastOf(runtime, 'HEALTHCHECK').split(' CMD ')
  const [program, args] = asUser(runtime, execForm(check))
  const env = { ...environment(runtime), HERDGATE_ADMIN_PORT: new URL(admin).port }
  const { status, stderr } = spawnSync(program, args, { cwd: app, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`its health check failed: ${stderr}`)
}

/** Duration of an empty program, in ms. */
function startOfNode(): number {
  const began = performance.now()
  execFileSync(join(bin, 'node'), ['--eval', '0'])
  return performance.now() - began
}

/** User and system time so far, in ms: proc(5), in ticks of 10 ms. */
function processorTime(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/**
 * On a busy machine processor time decides, without the time spent waiting for a core, and with slack for processes
 * that share one.
 */
function judgeStarts(starts: readonly Start[], ofNode: number): void {
  const quickest = Math.min(...starts.map(({ ms }) => ms))
  const cpu = Math.min(...starts.map(({ cpuMs }) => cpuMs))
  const [load = 0] = loadavg()
  const isBusy = load > cpus().length
  const all = starts.map(({ ms }) => Math.round(ms)).join(' ')
  const most = Math.round(START_MS * Math.max(1, ofNode / NODE_START_MS))
  process.stdout.write(`start: ${all} ms; processor time from ${cpu} ms; load ${load.toFixed(1)}; at most ${most} ms\n`)
  const isQuick = quickest <= most || (isBusy && cpu <= START_MS * SLACK)
  if (!isQuick) throw new Error(`starting takes more than ${most} ms`)
}

function expectSame(what: string, found: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)]
  if (is !== should) throw new Error(`${what}: expected ${should}, found ${is}`)
}
