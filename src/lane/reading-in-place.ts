/**
 * What a socket reads, before there is a buffer of it: an answer that is at hand needs none, nor a place in the socket's
 * stream (docs/decisions/lane/one-buffer-for-all-reads.md).
 */
import { Socket } from 'node:net'
import type { HttpSocket } from '../ports/connections.ts'

/**
 * Hears first of what a socket reads. What is to go on from there gives it to the socket's `push` as `ownOctets`.
 * @param octets what was read stands at their beginning, until the reader returns; behind it stands anything
 * @param length of what was read, in octets
 * @returns whether the socket is to read on
 */
export type Reader = (octets: Buffer, length: number) => boolean

/** As much as Node reads at once. */
const READ_BYTES = 64 * 1024

/** One for all sockets of a thread: a read is heard of before there is another. */
const SHARED = Buffer.allocUnsafeSlow(READ_BYTES)

/**
 * From now on the reader hears of what the socket reads; of its end, and of errors, the socket does as before. Where this
 * version of Node keeps other things than expected, each read has a buffer of its own, and the reader stands before `push`.
 * @param places where a socket keeps its option `onread`; null: it does not show
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

/** What was read, to be kept for longer than the reader takes. */
export const ownOctets = (octets: Buffer, length: number): Buffer =>
  octets === SHARED ? Buffer.from(octets.subarray(0, length)) : octets

interface OnreadPlaces {
  readonly buffer: symbol
  readonly callback: symbol
}

/**
 * Where a socket keeps its option `onread`. Node gives that to the sockets that one opens oneself, not to those that a
 * server accepts, though they read in the same way.
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
