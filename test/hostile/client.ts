/** A client that writes raw octets and reads answers, without checking what it sends. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawResponse {
  readonly status: number
  /** Status line and field lines. */
  readonly head: string
  readonly body: string
}

export interface Conversation {
  /** Final responses, in order. */
  readonly responses: readonly RawResponse[]
  /** Statuses of interim responses, in order. */
  readonly interim: readonly number[]
  /** Has the other side closed the connection? */
  readonly closed: boolean
  /** Everything received. */
  readonly text: string
  /** Octets after the last complete response. */
  readonly rest: string
}

/** No correct answer takes this long. */
const PATIENCE_MS = 45_000

/** A connection to a port of the loopback address. */
export class RawClient implements Disposable {
  readonly #socket: Socket
  readonly #bodiless: boolean
  #received = ''
  #closed = false
  #failure: string | undefined

  private constructor(socket: Socket, bodiless: boolean) {
    this.#socket = socket
    this.#bodiless = bodiless
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => (this.#received += text))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => (this.#failure ??= code))
    for (const event of ['end', 'error', 'close']) socket.on(event, () => (this.#closed = true))
  }

  /** @param bodiless answers have no content whatever their heads say, as those to HEAD */
  static async connect(port: number, bodiless: boolean = false): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    return new RawClient(socket, bodiless)
  }

  send(octets: string): void {
    this.#socket.write(octets, 'latin1')
  }

  /** Waits for this many responses, the end of the connection, or a timeout. @returns everything received by then */
  async receive(responses: number): Promise<Conversation> {
    const deadline = AbortSignal.timeout(PATIENCE_MS)
    for (;;) {
      const text = this.#received
      const conversation = { ...parse(text, this.#bodiless), text, closed: this.#closed }
      if (conversation.responses.length >= responses || this.#closed || deadline.aborted) return conversation
      await this.#news(deadline)
    }
  }

  /** Resolves when both sides have closed, or the connection has failed. */
  async gone(): Promise<void> {
    if (!this.#socket.closed) await once(this.#socket, 'close', { signal: AbortSignal.timeout(PATIENCE_MS) })
  }

  /** Everything received so far. */
  get received(): string {
    return this.#received
  }

  /** Error code of the connection: `ECONNRESET`, or `EPIPE` if it failed while sending. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Half-closes: nothing more will be sent. */
  end(): void {
    this.#socket.end()
  }

  /** Resets the connection; merely ending it might be a half-close. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Stops reading, so that the other side cannot send more either. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  #news(deadline: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        this.#socket.off('data', settle).off('end', settle).off('error', settle).off('close', settle)
        deadline.removeEventListener('abort', settle)
        resolve()
      }
      this.#socket.on('data', settle).on('end', settle).on('error', settle).on('close', settle)
      deadline.addEventListener('abort', settle)
    })
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

function parse(text: string, bodiless: boolean): Omit<Conversation, 'closed' | 'text'> {
  const responses: RawResponse[] = []
  const interim: number[] = []
  let rest = text
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    const head = rest.slice(0, Math.max(end, 0))
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1])
    if (Number.isNaN(status)) return { responses, interim, rest }
    const after = rest.slice(end + 4)
    const content = status < 200 || status === 204 || status === 304 || bodiless ? ['', after] : contentOf(head, after)
    if (content === undefined) return { responses, interim, rest }
    const [body = '', next = ''] = content
    rest = next
    if (status < 200) interim.push(status)
    else responses.push({ status, head, body })
  }
}

/** Content, and what follows it; undefined if it is incomplete. */
function contentOf(head: string, after: string): [string, string] | undefined {
  if (/^transfer-encoding: chunked$/im.test(head)) return dechunked(after)
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
  return after.length < length ? undefined : [after.slice(0, length), after.slice(length)]
}

function dechunked(text: string): [string, string] | undefined {
  let body = ''
  let at = 0
  for (;;) {
    const line = /^([0-9a-f]+)\r\n/i.exec(text.slice(at))
    if (line === null) return undefined
    const size = Number.parseInt(line[1] ?? '', 16)
    const from = at + line[0].length
    if (text.length < from + size + 2) return undefined
    body += text.slice(from, from + size)
    at = from + size + 2
    if (size === 0) return [body, text.slice(at)]
  }
}
