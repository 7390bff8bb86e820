/**
 * What clients' connections and requests take: counted as content is, as hundreds of them may arrive before memory is
 * looked at again.
 */
import { count } from './content-volume.ts'

/** A socket, and the objects made for it. */
const CONNECTION_BYTES = 16 * 2 ** 10
/** What node:http and those behind it make of a request, garbage included. The lane makes nothing. */
const REQUEST_BYTES = 16 * 2 ** 10
/** What the kernel has for a connection: it counts against the container, but in no process. */
const KERNEL_BYTES = 4 * 2 ** 10

let open = 0

export function connectionOpened(): void {
  open++
  count(CONNECTION_BYTES)
}

export function connectionClosed(): void {
  open--
}

/** A request has come by way of node:http. It may wait for what another one fetches. */
export const requestBegun = (): void => count(REQUEST_BYTES)

/** What the kernel has for all that are open. */
export const kernelBytes = (): number => open * KERNEL_BYTES
