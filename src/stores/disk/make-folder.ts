import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/** Node's own `recursive` never ends where an existing folder accepts no new one, such as /proc. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (!existsSync(folder)) throw error // else another process has made it meanwhile
  }
}
