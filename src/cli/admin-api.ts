/** The commands' client of a running Herdgate's admin API. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { ADMIN_TOKEN } from '../config/admin-token.ts'
import type { Environment } from '../config/environment.ts'
import { request } from '../node-http.ts'
import { adminUrl, adminUrlError } from './admin-url.ts'
import { fail, why } from './fail.ts'

export interface AdminFlags {
  readonly admin?: string
  readonly token?: string
}

export interface AdminAnswer {
  /** Base URL of the admin port. */
  readonly from: string
  readonly status: number
  /** Parsed JSON; undefined for anything else. */
  readonly body: unknown
}

const TIMEOUT_MS = 30_000

/** Why a command could not ask or got no usable answer, worded for the person who ran it. */
export class AdminError extends Error {
  readonly exitCode: 1 | 2

  constructor(message: string, exitCode: 1 | 2) {
    super(message)
    this.exitCode = exitCode
  }
}

/** @throws AdminError when the request cannot be made or gets no answer */
export async function askAdmin(
  path: string,
  { admin, token }: AdminFlags,
  body?: unknown,
  env: Environment = process.env,
): Promise<AdminAnswer> {
  const url = adminUrl(admin, env)
  if (url === undefined) throw new AdminError(adminUrlError(admin, env, '--admin: '), 2)
  const from = url.origin + url.pathname.replace(/\/+$/, '') // a gateway may serve it below a path
  const secret = token ?? tokenIn(env)
  if (!ADMIN_TOKEN.test(secret))
    throw new AdminError('the admin token: expected visible ASCII characters without spaces', 2)
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
  const limit = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const method = body === undefined ? 'GET' : 'POST'
    const sent = request(from + path, { method, headers, agent: false, signal: limit })
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return { from, status: response.statusCode ?? 0, body: jsonIn(await text(response)) }
  } catch (error) {
    throw new AdminError(`${from}: ${limit.aborted ? `no answer within ${TIMEOUT_MS / 1000}s` : why(error)}`, 1)
  }
}

/** Runs a command; prints an AdminError and sets its exit code. */
export async function reportingErrors(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    fail(error.message, error.exitCode)
  }
}

/**
 * The content of an answer, checked, as the port may be the data port or belong to another program.
 * @param member one that every such answer of Herdgate has
 * @throws AdminError when it is missing
 */
export function contentOf<Content extends object>(answer: AdminAnswer, member: keyof Content & string): Content {
  const { body } = answer
  if (typeof body === 'object' && body !== null && Object.hasOwn(body, member)) return body as Content
  throw notHerdgate(answer)
}

/** An unsuccessful answer as an error. */
export function refused(answer: AdminAnswer): AdminError {
  const { status, body } = answer
  if (status === 401) return new AdminError('401: the token is wrong; see --token and HERDGATE_ADMIN_TOKEN', 1)
  const { detail, title } = (body ?? {}) as { detail?: unknown; title?: unknown }
  if (typeof title !== 'string') return notHerdgate(answer)
  return new AdminError(`${status}: ${typeof detail === 'string' ? `${title}: ${detail}` : title}`, 1)
}

const notHerdgate = ({ from, status }: AdminAnswer): AdminError =>
  new AdminError(`${from}: answered ${status}, but is not a Herdgate admin port`, 1)

function tokenIn({ HERDGATE_ADMIN_TOKEN: token, HERDGATE_ADMIN_TOKEN_FILE: file }: Environment): string {
  if (token !== undefined && token !== '') return token
  if (file === undefined || file === '') {
    throw new AdminError('no admin token: give --token, or set HERDGATE_ADMIN_TOKEN or HERDGATE_ADMIN_TOKEN_FILE', 2)
  }
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new AdminError(`HERDGATE_ADMIN_TOKEN_FILE: cannot read ${file}: ${why(error)}`, 2)
  }
}

function jsonIn(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}
