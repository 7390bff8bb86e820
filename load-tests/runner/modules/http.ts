/** `k6/http`: only `asyncRequest`. The others block, which JavaScript outside k6 cannot do. */
import { currentTags, currentTurn } from '../context.ts'
import { parseDuration } from '../durations.ts'
import { inShort, recordFailure } from '../failures.ts'
import { record, type Tags } from '../registry.ts'

interface Params {
  readonly headers?: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>>
  /** Milliseconds, or a string such as `10s`. */
  readonly timeout?: string | number
}

interface Response {
  readonly url: string
  /** 0 if there was no complete response. */
  readonly status: number
  readonly body: string
  /** Names are capitalised as in `Cache-Status`. */
  readonly headers: Readonly<Record<string, string>>
  readonly error: string
  readonly timings: { readonly duration: number }
  json(): unknown
}

const TIMEOUT_MS = 60_000

async function asyncRequest(method: string, url: string, body?: string | null, params: Params = {}): Promise<Response> {
  const { user } = currentTurn()
  const tags: Tags = { ...currentTags(), method, ...params.tags }
  const began = performance.now()
  const answer = await answerOf(user.connections.request.bind(user.connections), method, url, body, params)
  const duration = performance.now() - began
  if (!user.connections.destroyed) {
    // otherwise the run is over, and nothing waits for responses
    record('http_reqs', 1, tags)
    record('http_req_duration', duration, tags)
    record('http_req_failed', Number(answer.status < 200 || answer.status >= 400), tags)
    if (answer.status < 200 || answer.status >= 400) recordFailure(`${tags['scenario'] ?? 'run'}: ${reasonOf(answer)}`)
  }
  return { ...answer, url, timings: { duration }, json: () => JSON.parse(answer.body) }
}

type Answer = Pick<Response, 'status' | 'headers' | 'body' | 'error'>

type Ask = (options: {
  origin: string
  path: string
  method: 'GET'
  headers: Record<string, string>
  body: string | null
  signal: AbortSignal
}) => Promise<{ statusCode: number; headers: NodeJS.Dict<string | string[]>; body: { text(): Promise<string> } }>

async function answerOf(
  ask: Ask,
  method: string,
  url: string,
  body: string | null | undefined,
  params: Params,
): Promise<Answer> {
  const { origin, pathname, search } = new URL(url)
  const { timeout = TIMEOUT_MS } = params
  const signal = AbortSignal.timeout(typeof timeout === 'number' ? timeout : parseDuration(timeout))
  try {
    const options = { origin, path: pathname + search, method: method as 'GET', headers: { ...params.headers } }
    const { statusCode, headers, body: content } = await ask({ ...options, body: body ?? null, signal })
    return { status: statusCode, headers: named(headers), body: await content.text(), error: '' }
  } catch (error) {
    return { status: 0, headers: {}, body: '', error: textOf(error) }
  }
}

/** Herdgate reports what failed in Cache-Status; others in the body, if anywhere. */
function reasonOf({ status, headers, body, error }: Answer): string {
  return status === 0 ? `no answer: ${inShort(error)}` : `${status} ${inShort(headers['Cache-Status'] ?? body)}`
}

/** Includes the code, without which undici's messages are of little use. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? `${error.message} (${String(error.code)})` : error.message
}

function named(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const pairs = Object.entries(headers).map(([name, value]) => {
    const canonical = name.replaceAll(/(?<![^-])[a-z]/g, (letter) => letter.toUpperCase())
    return [canonical, [value ?? []].flat().join(', ')] as const
  })
  return Object.fromEntries(pairs)
}

export default { asyncRequest }
