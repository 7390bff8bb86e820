import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * What happens to the traffic between a client and a server.
 *
 * - `delay`: data from the server arrives this much later; data from the client does not, so that a command takes
 *   effect and only its reply is late.
 * - `throttle`: bytes per second, for each connection and direction.
 * - `reset`: existing and new connections are torn down with a TCP reset.
 * - `blackhole`: connections stay open, and new ones open, but nothing passes. Nothing is lost, as TCP would retransmit
 *   it: it arrives when the black hole ends.
 */
export type Fault =
  | { readonly kind: 'pass' | 'reset' | 'blackhole' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }

export interface FaultProxy extends AsyncDisposable {
  /** Port for clients, on the loopback address. */
  readonly port: number
  readonly fault: Fault
  /** Number of open client connections. */
  readonly connections: number
  /** Applies at once, to existing and new connections. */
  set(fault: Fault): void
  /** New connections go there from now on, as after a failover. */
  redirect(target: Address): void
  close(): Promise<void>
}

export interface Address {
  readonly host?: string
  readonly port: number
}

/** A TCP proxy on a free port of the loopback address, in front of one server. At first it passes everything. */
export async function startFaultProxy(first: Address): Promise<FaultProxy> {
  let target = first
  let fault: Fault = { kind: 'pass' }
  const current = () => fault
  const links = new Set<Link>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (fault.kind === 'reset') return void client.on('error', ignore).resetAndDestroy()
    const link = new Link(client, target, current)
    links.add(link)
    client.once('close', () => links.delete(link))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const close = async () => {
    for (const link of links) link.reset()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  return {
    port: (server.address() as AddressInfo).port,
    get fault() {
      return fault
    },
    get connections() {
      return links.size
    },
    set(next) {
      fault = next
      for (const link of links) link.faultChanged()
    },
    redirect(next) {
      target = next
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A client's connection and the matching one to the server. */
class Link {
  readonly #client: Socket
  readonly #server: Socket
  readonly #lanes: readonly Lane[]
  readonly #fault: () => Fault
  #broken = false

  constructor(client: Socket, target: Address, fault: () => Fault) {
    this.#client = client
    this.#fault = fault
    this.#server = connect({ host: target.host ?? '127.0.0.1', port: target.port, allowHalfOpen: true, noDelay: true })
    this.#lanes = [
      new Lane(client, this.#server, () => (fault().kind === 'delay' ? { kind: 'pass' } : fault())),
      new Lane(this.#server, client, fault),
    ]
    for (const socket of [client, this.#server]) {
      socket.on('error', ignore)
      socket.once('close', (hadError) => this.#closed(hadError))
    }
  }

  faultChanged(): void {
    const { kind } = this.#fault()
    if (kind === 'reset' || (this.#broken && kind !== 'blackhole')) return this.reset()
    for (const lane of this.#lanes) lane.move()
  }

  reset(): void {
    for (const socket of [this.#client, this.#server]) socket.resetAndDestroy()
    for (const lane of this.#lanes) lane.stop()
  }

  /** One end is gone; in a black hole the other learns of it only when the black hole ends. */
  #closed(hadError: boolean): void {
    this.#broken ||= hadError
    if (this.#broken) this.faultChanged()
  }
}

/** Above this a lane stops reading, so that the sender sees the fault as a full buffer. */
const MAX_HELD_BYTES = 1024 * 1024
/** Interval at which a throttled lane sends. */
const THROTTLE_STEP_MS = 20

interface Held {
  /** undefined: the end of the stream. */
  readonly chunk: Buffer | undefined
  readonly arrivedAt: number
}

/** One direction of a link. */
class Lane {
  readonly #from: Socket
  readonly #to: Socket
  readonly #fault: () => Fault
  readonly #held: Held[] = []
  #heldBytes = 0
  #timer: NodeJS.Timeout | undefined
  #blocked = false
  /** When a throttled lane may send again. */
  #freeAt = 0

  constructor(from: Socket, to: Socket, fault: () => Fault) {
    this.#from = from
    this.#to = to
    this.#fault = fault
    from.on('data', (chunk: Buffer) => this.#hold(chunk))
    from.once('end', () => this.#hold(undefined))
    to.on('drain', () => {
      this.#blocked = false
      this.move()
    })
  }

  /** Forwards what is due, and sets a timer for the rest. */
  move(): void {
    clearTimeout(this.#timer)
    while (!this.#blocked) {
      const [first] = this.#held
      if (first === undefined) break
      const dueAt = this.#dueAt(first)
      const wait = dueAt - performance.now()
      if (wait > 0) {
        if (dueAt < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.move(), wait)
        return
      }
      this.#send(first)
    }
    if (this.#heldBytes < MAX_HELD_BYTES) this.#from.resume()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#held.length = 0
  }

  #hold(chunk: Buffer | undefined): void {
    this.#held.push({ chunk, arrivedAt: performance.now() })
    this.#heldBytes += chunk?.length ?? 0
    if (this.#heldBytes >= MAX_HELD_BYTES) this.#from.pause()
    this.move()
  }

  #dueAt({ arrivedAt }: Held): number {
    const fault = this.#fault()
    switch (fault.kind) {
      case 'pass':
        return 0
      case 'delay':
        return arrivedAt + fault.ms
      case 'throttle':
        return this.#freeAt
      case 'reset':
      case 'blackhole':
        return Number.POSITIVE_INFINITY
    }
  }

  #send(first: Held): void {
    this.#held.shift()
    if (first.chunk === undefined) return void this.#to.end()
    const piece = first.chunk.subarray(0, this.#share(first.chunk))
    const rest = first.chunk.subarray(piece.length)
    if (rest.length > 0) this.#held.unshift({ ...first, chunk: rest })
    this.#heldBytes -= piece.length
    this.#blocked = !this.#to.write(piece)
  }

  /** How many bytes of a chunk may go at once. */
  #share({ length }: Buffer): number {
    const fault = this.#fault()
    if (fault.kind !== 'throttle') return length
    const share = Math.min(length, Math.max(1, Math.round((fault.bytesPerSecond * THROTTLE_STEP_MS) / 1000)))
    this.#freeAt = Math.max(this.#freeAt, performance.now()) + (share * 1000) / fault.bytesPerSecond
    return share
  }
}

function ignore(): void {}
