import { destination, type Level, type Logger, pino } from 'pino'

/** A log on standard output. */
export interface Log {
  readonly logger: Logger
  /** Ends the process once what has been logged is written, or cannot be: not long after in any case. */
  readonly exit: (code: number) => void
}

/** What has been logged has this long to be written. */
const WRITTEN_WITHIN_MS = 1_000

/** Whole lines, as many as fit in: so much at once is not cut in a pipe by what workers write (`PIPE_BUF` of Linux). */
const WRITTEN_AT_ONCE = 4_096

export function openLog(level: Level | 'silent'): Log {
  const output = destination({ dest: process.stdout.fd, sync: false, maxWrite: WRITTEN_AT_ONCE })
  const logger = pino({ level }, output)
  let ending = false

  // Left to itself the output writes the rest as the process ends, and tries for ever where nobody can read it any more.
  const exit = (code: number) => {
    if (ending) return
    ending = true
    logger.level = 'silent' // from here on a line would be an error
    const leave = () => {
      output.destroy()
      process.exit(code)
    }
    setTimeout(leave, WRITTEN_WITHIN_MS)
    output.once('close', leave).once('error', leave)
    output.end()
  }
  return { logger, exit }
}
