import { accessSync, constants } from 'node:fs'
import { destination, type Level, type Logger, pino } from 'pino'

/** A log on standard output. */
export interface Log {
  readonly logger: Logger
  /** Logs to the same output, whatever the level. */
  readonly always: Logger
  /** Ends the process once what has been logged is written, or cannot be; after a second in any case. */
  readonly exit: (code: number) => void
}

/** What has been logged has this long to be written before the process ends. */
const WRITTEN_WITHIN_MS = 1_000

/**
 * Whole lines, as many as fit: a write of this size to a pipe is not mixed with those of workers (`PIPE_BUF`, Linux).
 */
const WRITTEN_AT_ONCE = 4_096
/** How much may wait to be written while nobody reads, or the disk is full; further lines are lost. */
const WAITS_BYTES = 16 * 2 ** 20

export function openLog(level: Level | 'silent'): Log {
  const output = destination({
    dest: process.stdout.fd,
    sync: false,
    maxWrite: WRITTEN_AT_ONCE,
    maxLength: WAITS_BYTES,
  })
  const logger = pino({ level }, output)
  const always = pino({ level: 'info' }, output)
  let lost = 0
  let ending = false
  output.on('drop', () => lost++)
  output.on('drain', () => {
    if (lost > 0 && !ending)
      always.warn({ lines: lost }, 'lines of the log were lost: they could not be written in time')
    lost = 0
  })
  output.on('error', () => {}) // the next line tries again

  // By default the output writes the rest synchronously after a fatal line, and as the process ends: where that cannot
  // be done it tries for ever, and blocks everything.
  output.flushSync = () => {}
  const exit = (code: number) => {
    if (ending) return
    ending = true
    logger.level = 'silent' // from here on a line would be an error
    const leave = () => {
      output.destroy()
      leaveProcess(code)
    }
    setTimeout(leave, WRITTEN_WITHIN_MS)
    output.once('close', leave).once('error', leave)
    output.end()
  }
  return { logger, always, exit }
}

/**
 * `process.exit` waits for other threads, and a disk that stalls may hold one up for ever. An exit with an error does
 * not wait for them: the program that replaces this one has none of its threads.
 */
function leaveProcess(code: number): void {
  try {
    if (code !== 0) {
      accessSync(process.execPath, constants.X_OK) // else Node 24 aborts
      process.execve?.(process.execPath, [process.execPath, '--eval', `process.exit(${code})`], {})
    }
  } catch {
    // Not available on this system, or Node's executable is gone.
  }
  process.exit(code)
}
