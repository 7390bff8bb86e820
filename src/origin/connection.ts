import type { Socket } from 'node:net'
import { Client, type Dispatcher } from 'undici'
import type { Clock } from '../model.ts'
import { Exchange } from './exchange.ts'
import { MAX_HEAD, OriginSocket, type OriginSocketOptions } from './origin-socket.ts'

/**
 * A client of undici's pool that tells each exchange which connection carries it. Otherwise there would be no way to
 * know whether the connection had been used before, and whether it was reset or closed.
 */
export class Connection extends Client {
  readonly #socket: OriginSocket

  constructor(options: OriginSocketOptions, dial: () => Socket, clock: Clock) {
    const socket = new OriginSocket(options, dial, clock)
    super(options.url.origin, {
      connect: (_to, callback) => socket.open(callback),
      allowH2: false,
      pipelining: 1,
      maxHeaderSize: MAX_HEAD,
      // Node servers close idle connections after 5 s, others no sooner: stay below; follow hints up to a minute.
      keepAliveTimeout: 4_000,
      keepAliveMaxTimeout: 60_000,
      keepAliveTimeoutThreshold: 1_000,
      // undici's own timers are accurate to a second; the exchange has better ones.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    this.#socket = socket
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (handler instanceof Exchange) handler.setSocket(this.#socket)
    return super.dispatch(options, handler)
  }
}
