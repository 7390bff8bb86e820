/** The admin API, as this page asks it. The token travels in the Authorization field and nowhere else. */

/** @typedef {import('../live/live.ts').Snapshot} Snapshot */

const KEPT_AS = 'herdgate-token'

/** @returns {string | null} the token this tab was given */
export const token = () => sessionStorage.getItem(KEPT_AS)

/** @param {string} given */
export const remember = (given) => sessionStorage.setItem(KEPT_AS, given)

export const forget = () => sessionStorage.removeItem(KEPT_AS)

/** An answer that is not a success. */
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
 * @returns {Promise<{ status: number, body: any }>}
 * @throws {Refused} with the problem's detail, or TypeError when there is no answer
 */
export async function ask(path, body) {
  const posts = body !== undefined
  const response = await fetch(path, {
    method: posts ? 'POST' : 'GET',
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
 * Snapshots for as long as the connection lasts. EventSource would need the token in the URL.
 * @returns {AsyncGenerator<Snapshot>}
 * @throws {Refused}
 */
export async function* snapshots() {
  const response = await fetch('/v1/live', { headers: authorization() })
  if (!response.ok || response.body === null) throw await refusal(response)
  yield* events(response.body.pipeThrough(new TextDecoderStream()))
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

const authorization = () => ({ Authorization: `Bearer ${token() ?? ''}` })
