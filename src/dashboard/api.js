/**
 * The page's client of the admin API. The token is sent in the Authorization field and nowhere else. Paths are relative
 * to the page's own, as a gateway may serve the admin port below one.
 */
import { storage } from './storage.js'

/** @typedef {import('../live/live.ts').Snapshot} Snapshot */

const STORAGE_KEY = 'herdgate-token'
const tab = storage('sessionStorage')
const ANSWER_MS = 10_000
/** Snapshots come once a second. A connection may stay open although its other end is gone. */
const SILENCE_MS = 5000

/** @returns {string | null} the token this tab was given */
export const token = () => tab.getItem(STORAGE_KEY)

/** @param {string} given */
export const remember = (given) => tab.setItem(STORAGE_KEY, given)

export const forget = () => tab.removeItem(STORAGE_KEY)

/** An unsuccessful answer. */
export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/**
 * @param {string} path
 * @param {unknown} [body] sent as JSON, by POST
 * @param {number} [withinMs] how long to wait for the answer
 * @returns {Promise<{ status: number, body: any }>}
 * @throws {Refused} with the problem's detail, or another error when there is no answer
 */
export async function ask(path, body, withinMs = ANSWER_MS) {
  const posts = body !== undefined
  const response = await fetch(path, {
    method: posts ? 'POST' : 'GET',
    signal: AbortSignal.timeout(withinMs),
    headers: { ...authorization(), ...(posts && { 'Content-Type': 'application/json' }) },
    ...(posts && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw await refusal(response)
  return { status: response.status, body: await response.json().catch(() => ({})) }
}

/** @param {Response} response */
async function refusal(response) {
  const { detail, title } = await response.json().catch(() => ({}))
  return new Refused(response.status, detail ?? title ?? `status ${response.status}`)
}

/**
 * Yields snapshots until the stream ends. EventSource would need the token in the URL.
 * @param {(rights: string) => void} opened called before the first, with what the token grants
 * @returns {AsyncGenerator<Snapshot>}
 * @throws {Refused}
 */
export async function* snapshots(opened) {
  const silence = new AbortController()
  const { signal } = silence
  const wait = () => setTimeout(() => silence.abort(), SILENCE_MS)
  let waiting = wait()
  try {
    const response = await fetch('v1/live', { headers: authorization(), signal })
    if (!response.ok || response.body === null) throw await refusal(response)
    opened(response.headers.get('Herdgate-Rights') ?? 'read, purge, all')
    for await (const snapshot of events(textOf(response.body))) {
      clearTimeout(waiting)
      waiting = wait()
      yield snapshot
    }
  } finally {
    clearTimeout(waiting)
  }
}

/**
 * The `data` of server-sent events, each one line of JSON.
 * @param {AsyncIterable<string>} chunks
 */
export async function* events(chunks) {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data: ')) yield JSON.parse(line.slice(6))
  }
}

/** Read by hand: Safari's streams cannot be iterated over. @param {ReadableStream<Uint8Array<ArrayBuffer>>} body */
async function* textOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
  } finally {
    void reader.cancel().catch(() => {})
  }
}

const authorization = () => ({ Authorization: `Bearer ${token() ?? ''}` })
