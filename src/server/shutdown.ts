import type { Log } from '../logging/log.ts'

/** How long requests in flight have to end. */
const DRAIN_MS = 30_000
/** npm passes on a Ctrl-C that the terminal has already sent to us: one key press, two signals. */
const ECHO_MS = 500

export interface Closable {
  /** Resolves when clients have stopped sending requests, as far as that can be known. */
  drain?(): Promise<void>
  close(): Promise<void>
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const
const endNow = (): void => process.exit(0)

/**
 * Exits on a signal at once, until `closeOnSignals`: while everything is being loaded and opened there is nothing to
 * finish. The first process of a container would ignore a signal that it has no listener for.
 */
export function endOnSignals(): void {
  for (const signal of SIGNALS) process.on(signal, endNow)
}

/**
 * On SIGTERM or SIGINT drains, closes and exits 0; on a second one exits at once. Uncaught errors: `closeOnErrors`. Not
 * done by a library, because the usual ones take the echo of a Ctrl-C for a second signal.
 */
export function closeOnSignals(running: Closable, log: Log): void {
  const { logger, exit } = log
  const closing = closeOnErrors(running, log)

  const drainAndEnd = async (signal: string) => {
    closing.begin()
    logger.info(`${signal}: draining`)
    try {
      await running.drain?.()
    } catch (error) {
      logger.error(error, 'draining failed')
      return closing.end(1)
    }
    logger.info(`${signal}: finishing what is in flight`)
    closing.end(0)
  }

  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (closing.since === undefined) {
        void drainAndEnd(signal)
      } else if (performance.now() - closing.since > ECHO_MS || signal === 'SIGTERM') {
        exit(1)
      }
    })
    process.off(signal, endNow) // last: without any listener a signal that is pending would be lost
  }
}

/** Closes on an uncaught error, with exit code 1, as the state it has left behind is unknown. */
export function closeOnErrors(running: Closable, log: Log): Closing {
  const closing = new Closing(running, log)
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.logger.fatal(error, event)
      if (closing.since === undefined) closing.end(1)
    })
  }
  return closing
}

class Closing {
  /** When it began, by `performance.now()`. */
  since: number | undefined
  readonly #running: Closable
  readonly #log: Log

  constructor(running: Closable, log: Log) {
    this.#running = running
    this.#log = log
  }

  begin(): void {
    this.since ??= performance.now()
  }

  end(exitCode: number): void {
    const { logger, exit } = this.#log
    this.begin()
    const limit = setTimeout(() => {
      logger.error(`requests were still in flight, or a store still busy, after ${DRAIN_MS / 1000} s`)
      exit(1)
    }, DRAIN_MS)
    limit.unref()
    this.#running.close().then(
      () => exit(exitCode),
      (error: unknown) => {
        logger.error(error, 'closing failed')
        exit(1)
      },
    )
  }
}
