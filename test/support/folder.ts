import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/**
 * An empty folder that is removed when the test finishes.
 * @param parent the system's folder for temporary files by default, which may be in memory (tmpfs)
 */
export function temporaryFolder(parent?: string): string {
  const folder = newFolder(parent)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** An empty folder; the caller removes it. */
export const newFolder = (parent: string = tmpdir()): string => mkdtempSync(join(parent, 'herdgate-'))
