/** Settings from environment variables. */
import { messageOf } from '../errors.ts'
import { didYouMean, type Fault } from './fault.ts'
import { nearest } from './nearest.ts'
import { type Given, type Name, NAMES, parse, type Source } from './settings.ts'

/** The environment variables of each setting: the first that is set counts. */
const VARIABLES: Readonly<Record<Name, readonly string[]>> = {
  origin: ['HERDGATE_ORIGIN'],
  host: ['HERDGATE_HOST'],
  port: ['HERDGATE_PORT', 'PORT'],
  adminHost: ['HERDGATE_ADMIN_HOST'],
  adminPort: ['HERDGATE_ADMIN_PORT'],
  adminToken: ['HERDGATE_ADMIN_TOKEN'],
  ttl: ['HERDGATE_TTL'],
  grace: ['HERDGATE_GRACE'],
  softTimeout: ['HERDGATE_SOFT_TIMEOUT'],
  cookies: ['HERDGATE_COOKIES'],
  memory: ['HERDGATE_MEMORY'],
  disk: ['HERDGATE_DISK'],
  diskSize: ['HERDGATE_DISK_SIZE'],
  redis: ['HERDGATE_REDIS', 'REDIS_URL'],
  redisPrefix: ['HERDGATE_REDIS_PREFIX'],
  workers: ['HERDGATE_WORKERS'],
  logLevel: ['HERDGATE_LOG_LEVEL', 'LOG_LEVEL'],
}

export const CONFIG_VARIABLE = 'HERDGATE_CONFIG'
const PREFIX = 'HERDGATE_'
const TOKEN_FILE_VARIABLE = 'HERDGATE_ADMIN_TOKEN_FILE'
/** Set by the build, not a setting: see src/version.ts. */
const REVISION_VARIABLE = 'HERDGATE_REVISION'
const KNOWN_VARIABLES = [...Object.values(VARIABLES).flat(), CONFIG_VARIABLE, TOKEN_FILE_VARIABLE, REVISION_VARIABLE]

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * An empty variable counts as not set, except a token: an empty secret is a mistake that must be noticed.
 * @param readFile throws when the file cannot be read
 */
export function readEnvironment(env: Environment, readFile: (path: string) => string): Source {
  const given: Given = new Map()
  const notes: string[] = []
  for (const name of NAMES) {
    for (const where of VARIABLES[name]) {
      const text = env[where]
      if (text === undefined || (text === '' && name !== 'adminToken')) continue
      if (isServiceLink(where, text)) {
        notes.push(`${where} is ignored: Kubernetes sets it for a Service of that name (see enableServiceLinks)`)
        continue
      }
      given.set(name, { where, raw: name === 'origin' ? listOf(text) : text })
      break
    }
  }
  const faults = [...unknownVariables(env), ...tokenFromFile(env, given, readFile)]
  const parsed = parse(given)
  return { ...parsed, notes, faults: [...faults, ...parsed.faults] }
}

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** Adds the token from its file to the given settings. */
function tokenFromFile(env: Environment, given: Given, readFile: (path: string) => string): Fault[] {
  const path = env[TOKEN_FILE_VARIABLE]
  if (path === undefined || path === '') return []
  const fault = { where: TOKEN_FILE_VARIABLE, key: 'admin.token' }
  if (given.has('adminToken')) return [{ ...fault, message: 'set either this or HERDGATE_ADMIN_TOKEN, not both' }]
  try {
    given.set('adminToken', { where: TOKEN_FILE_VARIABLE, raw: readFile(path).trim() })
    return []
  } catch (error) {
    return [{ ...fault, message: `cannot read ${path}: ${messageOf(error)}` }]
  }
}

function unknownVariables(env: Environment): Fault[] {
  return Object.entries(env)
    .filter(([name, value]) => name.startsWith(PREFIX) && !KNOWN_VARIABLES.includes(name) && value !== undefined)
    .filter(([name, value]) => !isServiceLink(name, value ?? ''))
    .map(([name]) => ({
      where: name,
      key: '',
      message: `unknown environment variable${didYouMean(nearestVariable(name))}`,
    }))
}

/** Compared without the common prefix, which would make all of them look alike. */
function nearestVariable(name: string): string | undefined {
  const ours = KNOWN_VARIABLES.filter((known) => known.startsWith(PREFIX)).map((known) => known.slice(PREFIX.length))
  const meant = nearest(name.slice(PREFIX.length), ours)
  return meant === undefined ? undefined : PREFIX + meant
}

const SERVICE_LINK = /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/

/** Kubernetes describes every Service to every pod in variables that begin with the Service's name. */
const isServiceLink = (name: string, value: string): boolean =>
  SERVICE_LINK.test(name) || (name.endsWith('PORT') && /^(?:tcp|udp|sctp):\/\//.test(value))
