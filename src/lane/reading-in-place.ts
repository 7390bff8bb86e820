/**
 * Gets at a socket's input before Node makes a buffer of it: a request that is answered at once needs none, nor a place
 * in the socket's stream (docs/decisions/lane/one-buffer-for-all-reads.md).
 */
import { Socket } from 'node:net'
import type { HttpSocket } from '../ports/connections.ts'

/**
 * Receives a socket's input first. To pass it on, it calls the socket's `push` with `ownOctets`.
 * @param octets begin with what was read, valid until the reader returns; what follows may be anything
 * @param length of what was read, in octets
 * @returns whether the socket is to read on
 */
export type Reader = (octets: Buffer, length: number) => boolean

/** The most that Node reads at once. */
const READ_BYTES = 64 * 1024

/** One for all sockets of a thread: each read is handled before the next. */
const SHARED = Buffer.allocUnsafeSlow(READ_BYTES)

/**
 * Gives the socket's input to the reader from now on; its end and errors still go to the socket. If the internals of
 * this version of Node are not as expected, each read has its own buffer, and the reader takes the place of `push`.
 * @param places where a socket keeps its option `onread`; null if that was not found
 * @returns the socket's own `push`
 */
export function readInPlace(
  socket: HttpSocket,
  reader: Reader,
  places: OnreadPlaces | null = ONREAD,
): HttpSocket['push'] {
  const push = socket.push.bind(socket)
  const { _handle: handle } = socket
  socket.on('data', nothing).off('data', nothing) // node:http no longer reads from the handle itself
  if (places !== null && handle?.useUserBuffer !== undefined) {
    Object.assign(socket, { [places.buffer]: SHARED, [places.callback]: (length: number) => reader(SHARED, length) })
    handle.useUserBuffer(SHARED)
  } else {
    socket.push = (chunk: Buffer | null) => (chunk === null ? push(null) : reader(chunk, chunk.length))
  }
  return push
}

const nothing = (): void => {}

/** What was read, in a form that may be kept after the reader returns. */
export const ownOctets = (octets: Buffer, length: number): Buffer =>
  octets === SHARED ? Buffer.from(octets.subarray(0, length)) : octets

interface OnreadPlaces {
  readonly buffer: symbol
  readonly callback: symbol
}

/**
 * Where a socket keeps its option `onread`. Node offers it for the sockets one opens, not for those a server accepts,
 * though both read in the same way.
 */
const ONREAD = placesOfOnread()

function placesOfOnread(): OnreadPlaces | null {
  const given = { buffer: Buffer.alloc(1), callback: () => true }
  const probe = new Socket({ onread: given })
  const places: ReadonlyMap<unknown, symbol> = new Map(
    Object.getOwnPropertySymbols(probe).map((place) => [Reflect.get(probe, place), place]),
  )
  probe.destroy()
  const [buffer, callback] = [places.get(given.buffer), places.get(given.callback)]
  return buffer === undefined || callback === undefined ? null : { buffer, callback }
}
