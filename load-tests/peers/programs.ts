import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Where Debian puts programs; `sbin` is not in everyone's PATH. */
const FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin', ...(process.env.PATH ?? '').split(':')]

/** @returns the program's path; undefined if it is not installed */
export function pathOf(program: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, program)).find(isExecutable)
}

/**
 * Installs missing programs from Debian packages if possible: as root, with apt-get. Prints what it does. What cannot
 * be installed stays missing.
 */
export function install(wanted: readonly { readonly program: string; readonly debianPackage: string }[]): void {
  const missing = wanted.filter(({ program }) => pathOf(program) === undefined)
  if (missing.length === 0 || process.getuid?.() !== 0 || pathOf('apt-get') === undefined) return
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' }) // a new machine has no package lists
  for (const { debianPackage } of missing) {
    console.error(`installing ${debianPackage} with apt-get`)
    // Services that a package starts would disturb the measurements.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', debianPackage], { env, stdio: 'ignore' })
  }
}

/** Compiles a C program into the folder. @returns its path; undefined if there is no compiler */
export function compiled(source: string, folder: string): string | undefined {
  const compiler = pathOf('gcc') ?? pathOf('cc')
  if (compiler === undefined) return undefined
  const program = join(folder, 'compiled')
  execFileSync(compiler, ['-O2', '-o', program, source])
  return program
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
