/** `herdgate probe`: asks a running Herdgate for its health. Loads little, as health checks start it all the time. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Environment } from '../config/environment.ts'
import { get } from '../node-http.ts'
import { printable } from '../logging/printable.ts'
import { parseDuration } from '../units.ts'
import { adminUrl, adminUrlError } from './admin-url.ts'
import { fail, why } from './fail.ts'

export interface ProbeFlags {
  /** Ask whether it is alive instead of whether it is ready. */
  readonly live?: boolean
  readonly timeout: string
}

/** How many bytes of an answer are read and shown. */
const SHOWN_BYTES = 512
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** Exit code 0 when the answer is 2xx, 1 when it is another or none came in time, 2 when the arguments are invalid. */
export async function probe(given: string | undefined, flags: ProbeFlags): Promise<void> {
  const target = probeTarget(given, process.env, flags.live === true)
  const timeout = parseDuration(flags.timeout) ?? 0
  if (target === undefined) return fail(adminUrlError(given, process.env), 2)
  if (timeout < 1 || timeout > MAX_TIMEOUT_MS) {
    return fail(`--timeout: expected a duration such as 2s or 500ms, from 1ms to 24d, got ${flags.timeout}`, 2)
  }
  const limit = AbortSignal.timeout(timeout)
  try {
    const { status, text } = await ask(target, limit)
    const isSuccess = status >= 200 && status < 300
    process.stdout.write(`${target.href}: ${status} ${printable(text)}\n`)
    process.exitCode = isSuccess ? 0 : 1
  } catch (error) {
    fail(`${target.href}: ${limit.aborted ? `no answer within ${flags.timeout}` : why(error)}`, 1)
  }
}

/**
 * The URL to request: one with a path or a query is taken as it is, even if the query is empty. Undefined when it is
 * invalid: see `adminUrlError`.
 */
export function probeTarget(given: string | undefined, env: Environment, live: boolean): URL | undefined {
  const target = adminUrl(given, env)
  if (target?.pathname === '/' && !target.href.includes('?')) target.pathname = live ? '/livez' : '/readyz'
  return target
}

async function ask(target: URL, signal: AbortSignal): Promise<{ status: number; text: string }> {
  const request = get(target, { agent: false, signal })
  const [response] = (await once(request, 'response', { signal })) as [IncomingMessage]
  const text = await readBeginning(response)
  request.destroy()
  return { status: response.statusCode ?? 0, text }
}

async function readBeginning(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= SHOWN_BYTES) break
  }
  return Buffer.concat(chunks).toString('utf8', 0, SHOWN_BYTES)
}
