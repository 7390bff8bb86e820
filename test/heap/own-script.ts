import { execFileSync } from 'node:child_process'

/** Output of a script run in its own process, so that V8's flags and garbage are its own. */
export const outputOf = (flags: readonly string[], script: string): string =>
  execFileSync(process.execPath, [...flags, '--input-type=module-typescript', '-e', script], {
    encoding: 'utf8',
    timeout: 60_000,
  })
