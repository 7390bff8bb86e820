import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Where Debian puts programs; `sbin` is not in everyone's PATH. */
const FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin', ...(process.env.PATH ?? '').split(':')]

/** @returns where the program is; undefined when it is not installed */
export function pathOf(program: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, program)).find(isExecutable)
}

/**
 * Installs what is missing from Debian, where that is possible: as root, with apt-get. Says what it does. What cannot be
 * installed is missing afterwards.
 */
export function install(wanted: readonly { readonly program: string; readonly debianPackage: string }[]): void {
  const missing = wanted.filter(({ program }) => pathOf(program) === undefined)
  if (missing.length === 0 || process.getuid?.() !== 0 || pathOf('apt-get') === undefined) return
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' }) // a new machine knows of no packages
  for (const { debianPackage } of missing) {
    console.error(`installing ${debianPackage} with apt-get`)
    // What a package would start would be in the way of what is measured.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', debianPackage], { env, stdio: 'ignore' })
  }
}

/** Compiles a C program into the folder. @returns where it is; undefined without a compiler */
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
