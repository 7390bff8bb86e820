import { closeSync, constants, fchmodSync, fstatSync, ftruncateSync, openSync, writeFileSync } from 'node:fs'
import { fail } from './fail.ts'

export interface InitFlags {
  readonly origin: string
  readonly ttl?: string
  readonly redis?: string
  readonly force?: boolean
}

const { O_CREAT, O_EXCL, O_WRONLY } = constants
const OWNER_ONLY = 0o600
/** Narrowed by the umask. */
const ANYONE = 0o666

/** `herdgate init`: writes a commented configuration to start from. Overwrites a file only with `--force`. */
export async function init(file: string, flags: InitFlags): Promise<void> {
  const { loadConfig } = await import('../config.ts')
  const text = starter(flags)
  const loaded = loadConfig({ flags: {}, env: process.env, file: { path: file, text }, readFile: () => '' })
  // The environment is given for `${NAME}` alone: faults of its own settings do not concern the file.
  const faults = loaded.ok ? [] : loaded.faults.filter(({ where }) => where.startsWith(file))
  if (faults.length > 0) {
    const lines = faults.map(({ key, message }) => `  ${key}: ${message}`)
    return fail(`these flags do not make a valid configuration\n${lines.join('\n')}`, 2)
  }
  try {
    write(file, text, flags)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return fail(code === 'EEXIST' ? `${file} already exists; --force overwrites it` : message, 1)
  }
  process.stdout.write(`wrote ${file}\nnext: herdgate check --config ${file} && herdgate --config ${file}\n`)
}

/** Readable by its owner alone when it holds the password of Redis, even if the file existed before. */
function write(file: string, text: string, { force = false, redis = '' }: InitFlags): void {
  const isSecret = redis.includes('@')
  // Not truncated on opening but just before the write: the old content may be the only copy.
  const opened = openSync(file, O_WRONLY | O_CREAT | (force ? 0 : O_EXCL), isSecret ? OWNER_ONLY : ANYONE)
  try {
    if (fstatSync(opened).isFile()) {
      if (isSecret) fchmodSync(opened, OWNER_ONLY)
      ftruncateSync(opened)
    }
    writeFileSync(opened, text)
  } finally {
    closeSync(opened)
  }
}

const quoted = (text: string): string => JSON.stringify(text)

function starter({ origin, ttl, redis }: InitFlags): string {
  const [store, shared] =
    redis === undefined
      ? ['# store:', '#   redis: { url: "redis://127.0.0.1:6379" }       # shared by all nodes']
      : ['store:', `  redis: { url: ${quoted(redis)} }`]
  return `# Herdgate. Check it with "herdgate check --config FILE"; "herdgate schema" prints the schema for editors.
version: 1
origins:
  api:
    urls: [${quoted(origin)}]
    # connectTimeout: 2s
    # headersTimeout: 30s            # a slower origin is a 504, or a stale copy
routes:                              # first match wins
  - name: all
    match: { path: /* }
    origin: api
    ${ttl === undefined ? '# ttl: 60s                       # lifetime of responses that state none' : `ttl: ${quoted(ttl)}`}
    grace: 1h                        # how long past expiry a copy may be served when the origin fails
    # softTimeout: 300ms             # while a refresh takes longer, serve stale; 0s: at once
    # refreshAhead: 0.8              # a hit late in the lifetime refreshes in the background
    # tags: [all]                    # added to the response's own
    # key: { query: { ignore: [utm_*] } }
${store}
#   memory: { maxBytes: 256MiB }                   # the default; in a container, a share of its limit
#   disk: { path: ./var/cache, maxBytes: 10GiB }   # survives a restart
${shared}
`
}
