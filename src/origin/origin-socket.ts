/** What is known about the socket a client of the pool is using. */
import type { Socket } from 'node:net'
import { type buildConnector, errors } from 'undici'
import type { Clock } from '../model.ts'
import { createSilenceTimer, type SilenceTimer, type TimeoutReason } from './silence-timer.ts'
import { StatusLines } from './status-line.ts'

/** Most octets in a response's head, or in its trailer section. */
export const MAX_HEAD = 64 * 1024

export interface OriginSocketOptions {
  readonly url: URL
  /** Milliseconds until TCP, and TLS where spoken, must be established. */
  readonly connectTimeout: number
}

/** The exchange in progress. */
export interface TimeoutListener {
  onTimeout(why: TimeoutReason): void
}

/** The successive sockets of one undici client. */
export class OriginSocket {
  /** Why the last attempt to connect failed. */
  refusal: Error | undefined
  /** The error with which the current socket broke; a connection closed in good order has none. */
  fault: Error | undefined

  /** Watches the exchange in progress. One timer serves all in succession, as most need none of their own. */
  readonly silence: SilenceTimer

  readonly #dial: () => Socket
  readonly #connected: string
  readonly #timeout: number
  readonly #clock: Clock
  readonly #statusLines = new StatusLines()
  #dialling: Socket | undefined
  #served = 0
  #listener: TimeoutListener | undefined
  /** The request in progress has content. */
  #sendsContent = false

  constructor(options: OriginSocketOptions, dial: () => Socket, clock: Clock) {
    this.#dial = dial
    this.#connected = options.url.protocol === 'https:' ? 'secureConnect' : 'connect'
    this.#timeout = options.connectTimeout
    this.#clock = clock
    this.silence = createSilenceTimer(clock, (why) => this.#listener?.onTimeout(why))
  }

  /**
   * To be called when a request begins.
   * @param listener notified when `silence` has expired
   * @param sendsContent the request has content
   * @returns how many began on the current socket before it
   */
  begin(listener: TimeoutListener, sendsContent: boolean): number {
    this.#statusLines.begin()
    this.#listener = listener
    this.#sendsContent = sendsContent
    return this.#served++
  }

  /** Whether the response being read is HTTP/1.0. */
  get speaksHttp10(): boolean {
    return this.#statusLines.isHttp10
  }

  /** Whether its major version is not 1. */
  get speaksOtherVersion(): boolean {
    return this.#statusLines.isOtherVersion
  }

  /** To be called when that request is over. */
  end(): void {
    this.silence.rest()
    this.#listener = undefined
  }

  /** Gives up an attempt to connect that is no longer needed. */
  abandon(): void {
    // After a plain socket error undici would connect again.
    this.#dialling?.destroy(new errors.RequestAbortedError('abandoned'))
  }

  /** Connects: the function undici's client calls. */
  open(callback: buildConnector.Callback): void {
    const socket = this.#dial()
    const tooLate = () => socket.destroy(new errors.ConnectTimeoutError(`no connection within ${this.#timeout} ms`))
    const connecting = createSilenceTimer(this.#clock, tooLate)
    connecting.start(this.#timeout)
    this.#dialling = socket
    this.#served = 0
    this.#watchStatusLines(socket)
    this.#readOnWhenWritesFail(socket)
    this.refusal = undefined
    this.fault = undefined

    const refused = (error: Error) => {
      if (this.#dialling !== socket) return
      connecting.stop()
      this.#dialling = undefined
      this.refusal = error
      callback(error, null)
    }
    socket.once(this.#connected, () => {
      connecting.stop()
      this.#dialling = undefined
      callback(null, socket)
    })
    // Runs before undici's own listener, which may take a broken connection for the end of the content.
    socket.on('error', (error: Error) => {
      this.fault = error
      refused(error)
    })
    socket.once('close', () => {
      if (this.#listener === undefined) this.silence.stop()
      refused(new errors.SocketError('closed while connecting'))
    })
  }

  #watchStatusLines(socket: Socket): void {
    const read = socket.read.bind(socket)
    socket.read = (size) => {
      const chunk: unknown = read(size)
      if (this.#statusLines.isHeadDue && chunk instanceof Uint8Array) this.#statusLines.scan(chunk)
      return chunk
    }
  }

  /**
   * An origin that refuses content may answer and close before it has read all of it. By the write that fails then Node
   * would destroy the socket, and lose the answer if it has arrived but not been read. So that write never finishes,
   * and the exchange ends with what there is to read.
   */
  #readOnWhenWritesFail(socket: Socket): void {
    const write = socket._write.bind(socket)
    const writev = socket._writev?.bind(socket)
    let failed: Error | undefined
    const unlessReset = (done: WriteDone): WriteDone =>
      this.#sendsContent ? (error) => (isReset(error) ? (failed = error) : done(error)) : done
    socket._write = (chunk, encoding, done) => write(chunk, encoding, unlessReset(done))
    socket._writev = (chunks, done) => writev?.(chunks, unlessReset(done))
    // Runs before undici's own listener, as in `open`: the connection was not closed in good order.
    socket.once('end', () => (this.fault ??= failed))
  }
}

type WriteDone = (error?: Error | null) => void

const isReset = (error: NodeJS.ErrnoException | null | undefined): error is NodeJS.ErrnoException =>
  error?.code === 'ECONNRESET' || error?.code === 'EPIPE'
