/** URLs of Redis. */

export interface RedisAddress {
  readonly host: string
  readonly port: number
}

export interface RedisTarget {
  /** One server; nodes of a cluster, from which the others are learned; Sentinels that know the master. */
  readonly kind: 'server' | 'cluster' | 'sentinel'
  readonly addresses: readonly [RedisAddress, ...RedisAddress[]]
  /** The name by which the Sentinels know the master; empty for the other kinds. */
  readonly master: string
  readonly username: string | undefined
  readonly password: string | undefined
  /** Number of the database; a cluster has only 0. */
  readonly database: number
  readonly tls: boolean
}

const FORMS =
  'redis://host:port/database, redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/name'
const URL_FORM = /^(rediss?)(?:\+(cluster|sentinel))?:\/\/(?:([^@/]*)@)?([^@/?#]+)(\/[^?#@]*)?$/i
const ADDRESS = /^(\[[0-9a-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i
const PORTS = { server: 6379, cluster: 6379, sentinel: 26379 }
const MAX_DATABASE = 2 ** 16

/**
 * A server, a cluster or Sentinels, with `rediss` for TLS: `redis://user:password@host:port/database`,
 * `redis+cluster://host:port,host:port`, `redis+sentinel://host:port,host:port/name/database`. User and password are
 * percent-encoded, and are those of the servers that hold the data.
 * @throws RangeError saying what is wrong, without what may be a secret
 */
export function parseRedisUrl(url: string): RedisTarget {
  const [, scheme, form, credentials, hosts = '', path = ''] = URL_FORM.exec(url) ?? []
  if (scheme === undefined) throw new RangeError(`expected ${FORMS}`)
  const kind = kindOf(form)
  return {
    kind,
    addresses: addressesIn(hosts, kind),
    ...inPath(path, kind),
    ...credentialsIn(credentials),
    tls: scheme.toLowerCase() === 'rediss',
  }
}

function kindOf(form: string | undefined): RedisTarget['kind'] {
  if (form === undefined) return 'server'
  return form.toLowerCase() === 'cluster' ? 'cluster' : 'sentinel'
}

function addressesIn(hosts: string, kind: RedisTarget['kind']): RedisTarget['addresses'] {
  const [first, ...others] = hosts.split(',').map((text) => addressIn(text, PORTS[kind]))
  if (first === undefined) throw new RangeError(`expected ${FORMS}`)
  if (kind === 'server' && others.length > 0) {
    throw new RangeError('redis:// names one server; several are redis+cluster:// or redis+sentinel://')
  }
  return [first, ...others]
}

function addressIn(text: string, defaultPort: number): RedisAddress {
  const [, host, port] = ADDRESS.exec(text) ?? []
  const number = port === undefined ? defaultPort : Number(port)
  if (host === undefined || number < 1 || number > 65_535) {
    throw new RangeError(`expected host:port with a port from 1 to 65535, got ${JSON.stringify(text)}`)
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: number }
}

function inPath(path: string, kind: RedisTarget['kind']): Pick<RedisTarget, 'master' | 'database'> {
  const parts = path.split('/').slice(1)
  const master = kind === 'sentinel' ? (parts.shift() ?? '') : ''
  const [database = '', ...rest] = parts
  if (kind === 'sentinel' && master === '') {
    throw new RangeError('expected the name of the master behind the Sentinels: redis+sentinel://host:port/name')
  }
  if (!/^\d{0,5}$/.test(database) || Number(database) >= MAX_DATABASE || rest.length > 0) {
    throw new RangeError(`expected the number of a database, got ${JSON.stringify([database, ...rest].join('/'))}`)
  }
  if (kind === 'cluster' && Number(database) !== 0) throw new RangeError('a Redis cluster has only database 0')
  return { master: decoded(master), database: Number(database) }
}

function credentialsIn(text: string | undefined): Pick<RedisTarget, 'username' | 'password'> {
  if (text === undefined) return { username: undefined, password: undefined }
  const colon = text.indexOf(':')
  const username = colon === -1 ? text : text.slice(0, colon)
  const password = colon === -1 ? '' : text.slice(colon + 1)
  return { username: decoded(username) || undefined, password: decoded(password) || undefined }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RangeError('user, password and name in a Redis URL are percent-encoded')
  }
}
