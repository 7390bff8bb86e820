import type { Log } from '../logging/log.ts'

/** Requests in flight have this long to end. */
const DRAIN_MS = 30_000
/** npm passes on a Ctrl-C that the terminal has already sent to us: one key, two signals. */
const ECHO_MS = 500

export interface Closable {
  /** Goes on until nobody sends requests any more, as far as that can be known. */
  drain?(): Promise<void>
  close(): Promise<void>
}

/**
 * On SIGTERM or SIGINT drains, closes and exits 0; on a second one exits at once. An error nobody caught closes too, with
 * exit code 1: what it left behind cannot be known. Our own few lines, because the usual libraries take the echo of a
 * Ctrl-C for a second signal.
 */
export function closeOnSignals(running: Closable, { logger, exit }: Log): void {
  let closingSince: number | undefined

  const drainAndEnd = async (signal: string) => {
    closingSince = performance.now()
    logger.info(`${signal}: draining`)
    try {
      await running.drain?.()
    } catch (error) {
      logger.error(error, 'draining failed')
      return end(1)
    }
    logger.info(`${signal}: finishing what is in flight`)
    end(0)
  }
  const end = (exitCode: number) => {
    closingSince ??= performance.now()
    const limit = setTimeout(() => {
      logger.error(`requests were still in flight after ${DRAIN_MS / 1000} s`)
      exit(1)
    }, DRAIN_MS)
    limit.unref()
    running.close().then(
      () => exit(exitCode),
      (error: unknown) => {
        logger.error(error, 'closing failed')
        exit(1)
      },
    )
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (closingSince === undefined) {
        void drainAndEnd(signal)
      } else if (performance.now() - closingSince > ECHO_MS || signal === 'SIGTERM') {
        exit(1)
      }
    })
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal(error, event)
      if (closingSince === undefined) end(1)
    })
  }
}
