import { execFileSync } from 'node:child_process'

/** What a script prints that has a process, and so V8's flags and garbage, to itself. */
export const outputOf = (flags: readonly string[], script: string): string =>
  execFileSync(process.execPath, [...flags, '--input-type=module-typescript', '-e', script], {
    encoding: 'utf8',
    timeout: 60_000,
  })
