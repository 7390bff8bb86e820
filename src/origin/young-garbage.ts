import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** After so much content has come in, its buffers are given back. */
const EVERY_BYTES = 8 * 2 ** 20

type Collect = (options: { type: 'minor' }) => void

let collect: Collect | undefined
let received = 0

/**
 * Content that streams through leaves a buffer of up to 64 KiB per read behind, which V8 does not count among what makes
 * it collect until some 64 MiB of them have gathered: an unbounded body would cost that much memory for nothing. A minor
 * collection takes under a millisecond and is due anyway. Process-wide, as the collector is.
 */
export function contentReceived(bytes: number): void {
  received += bytes
  if (received < EVERY_BYTES) return
  received = 0
  collectYoung()
}

/** Frees what has become garbage young. */
export function collectYoung(): void {
  collect ??= exposeCollector()
  collect({ type: 'minor' })
}

/** The documented way to the collector while running; the flag is put back, so that nobody else sees it. */
function exposeCollector(): Collect {
  setFlagsFromString('--expose-gc')
  const gc: Collect = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return gc
}
