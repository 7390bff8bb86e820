/**
 * Says on stderr why a command failed.
 * @param exitCode 2 when its arguments or settings are at fault
 */
export function fail(message: string, exitCode: 1 | 2): void {
  process.stderr.write(`herdgate: ${message}\n`)
  process.exitCode = exitCode
}

/** The error's code, or its message if it has none. */
export function why(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
