/**
 * Slow clients: a third sends a head, a third sends content, a third reads a large response, all of them one octet a
 * second. Takes its orders as JSON in the first argument. Prints `{"came":N}` when all have connected; and when all
 * have been hung up on, or time is up, how long each kind was allowed to stay.
 */
import { connect, type Socket } from 'node:net'

export interface CrowdOrders {
  readonly port: number
  readonly clients: number
  /** How long to wait for the last to be hung up on. */
  readonly patienceMs: number
}

/** Milliseconds from connecting to being hung up on; `left` is the number still connected. */
interface Stay {
  readonly kind: string
  readonly ms: readonly number[]
  readonly left: number
}

interface SlowClient {
  readonly kind: string
  readonly socket: Socket
  readonly move: () => void
  connectedAt: number | undefined
  droppedAt: number | undefined
}

const STEP_MS = 1_000
/** Slices per second: clients are independent of each other, so only a few send or read at the same time. */
const SLICES = 500
const COMING_AT_ONCE = 500

const HEAD = 'GET /slow HTTP/1.1\r\nHost: slow.test\r\nX-Drip: '
const UPLOAD = 'POST /slow HTTP/1.1\r\nHost: slow.test\r\nContent-Length: 1000000\r\n\r\n'
const DOWNLOAD = 'GET /large HTTP/1.1\r\nHost: slow.test\r\n\r\n'
const KINDS = [
  { kind: 'head', sends: HEAD, drips: true },
  { kind: 'content', sends: UPLOAD, drips: true },
  { kind: 'reading', sends: DOWNLOAD, drips: false },
] as const

async function crowd({ port, clients, patienceMs }: CrowdOrders): Promise<readonly Stay[]> {
  const all: SlowClient[] = []
  const began = performance.now()
  let moved = 0
  const drip = setInterval(() => {
    const due = Math.floor((performance.now() - began) / (STEP_MS / SLICES))
    for (; moved < due; moved++) {
      for (let at = moved % SLICES; at < all.length; at += SLICES) {
        const client = all[at]
        if (client !== undefined && isConnected(client)) client.move()
      }
    }
  }, STEP_MS / SLICES)
  while (all.length < clients) {
    const more = Array.from({ length: Math.min(COMING_AT_ONCE, clients - all.length) }, (_, at) => slowClient(port, at))
    all.push(...more)
    await settled(() => more.every(({ connectedAt, droppedAt }) => connectedAt ?? droppedAt), patienceMs)
  }
  console.log(JSON.stringify({ came: all.filter(({ connectedAt }) => connectedAt !== undefined).length }))
  await settled(() => all.every(({ droppedAt }) => droppedAt), patienceMs)
  clearInterval(drip)
  return KINDS.map(({ kind }) => stayOf(kind, all))
}

function slowClient(port: number, at: number): SlowClient {
  const { kind, sends, drips } = KINDS[at % KINDS.length] ?? KINDS[0]
  // One octet is read, and the next only on resume().
  const onread = { buffer: Buffer.alloc(1), callback: () => false }
  const socket = connect({ port, host: '127.0.0.1', ...(drips ? {} : { onread }) })
  const client: SlowClient = {
    kind,
    socket,
    move: () => (drips ? socket.write('a') : readOne(socket)),
    connectedAt: undefined,
    droppedAt: undefined,
  }
  const gone = (): void => {
    client.droppedAt ??= performance.now()
    socket.destroy()
  }
  socket.once('connect', () => {
    client.connectedAt = performance.now()
    socket.write(sends)
    if (drips) socket.resume()
  })
  socket.once('end', gone).once('close', gone).on('error', gone)
  return client
}

/** With octets left to read, only sending shows a hang-up; empty lines mean nothing (RFC 9112 section 2.2). */
function readOne(socket: Socket): void {
  socket.resume()
  socket.write('\r\n')
}

const isConnected = ({ connectedAt, droppedAt }: SlowClient): boolean =>
  connectedAt !== undefined && droppedAt === undefined

function stayOf(kind: string, all: readonly SlowClient[]): Stay {
  const ofKind = all.filter((client) => client.kind === kind)
  const ms = ofKind.flatMap(({ connectedAt = 0, droppedAt }) =>
    droppedAt === undefined ? [] : [droppedAt - connectedAt],
  )
  return { kind, ms, left: ofKind.length - ms.length }
}

async function settled(isDone: () => unknown, patienceMs: number): Promise<void> {
  const until = performance.now() + patienceMs
  while (!isDone() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20))
}

const orders: CrowdOrders = JSON.parse(process.argv[2] ?? '{}')
console.log(JSON.stringify(await crowd(orders)))
process.exit()
