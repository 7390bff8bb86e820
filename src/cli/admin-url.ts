/** Where the commands find the admin port of a running Herdgate. */
import { authority, parseHost } from '../config/addresses.ts'
import type { Environment } from '../config/environment.ts'

/**
 * The URL of the admin port: `given`, else that of the environment, else the default. Undefined when it is not an http
 * URL.
 */
export function adminUrl(given: string | undefined, env: Environment): URL | undefined {
  const url = URL.parse(given ?? defaultUrl(env))
  return url?.protocol === 'http:' ? url : undefined
}

/** @param flag what the message begins with when `given` is at fault */
export function adminUrlError(given: string | undefined, env: Environment, flag = ''): string {
  const [where, got] =
    given === undefined ? ['HERDGATE_ADMIN_HOST, HERDGATE_ADMIN_PORT: ', defaultUrl(env)] : [flag, given]
  return `${where}expected a URL such as http://127.0.0.1:9090, got ${got}`
}

const defaultUrl = (env: Environment): string => `http://${authority(adminHost(env), adminPort(env))}`

function adminHost({ HERDGATE_ADMIN_HOST: given = '' }: Environment): string {
  const host = parseHost(given) ?? given
  if (host === '' || host === '0.0.0.0') return '127.0.0.1' // one can listen on "any address", not connect to it
  return host === '::' ? '::1' : host
}

/** Kubernetes may have set the variable to the URL of a Service of that name; `serve` ignores that too. */
function adminPort({ HERDGATE_ADMIN_PORT: port = '' }: Environment): number {
  return /^\d{1,5}$/.test(port) ? Number(port) : 9090
}
