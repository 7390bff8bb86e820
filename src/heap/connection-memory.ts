/** What clients' connections take: counted as content is, as thousands may arrive before the next look at memory. */
import { count } from './content-volume.ts'

/** A socket, the objects made for it, and those of its first request. */
const CONNECTION_BYTES = 16 * 2 ** 10
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

/** What the kernel has for all that are open. */
export const kernelBytes = (): number => open * KERNEL_BYTES
