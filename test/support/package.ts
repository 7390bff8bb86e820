/** The npm package, packed and installed as users do it. */
import { execFile } from 'node:child_process'
import { cpSync, symlinkSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { newFolder } from './folder.ts'

const run = promisify(execFile)
const REPOSITORY = join(import.meta.dirname, '../..')
const SOURCES = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'src', 'routes']
const DOCUMENTS = ['README.md', 'LICENSE', 'CHANGELOG.md']

export interface Package extends AsyncDisposable {
  /** Path of the tarball. */
  readonly tarball: string
  /** Paths of its files, relative to the package root. */
  readonly files: readonly string[]
}

/** `npm pack` of a copy of the sources, so that no earlier build output gets into it. */
export async function packPackage(): Promise<Package> {
  const folder = newFolder()
  for (const name of [...SOURCES, ...DOCUMENTS]) cpSync(join(REPOSITORY, name), join(folder, name), { recursive: true })
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'))
  await run('npm', ['pack', '--silent'], { cwd: folder })
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? 'none'
  const { stdout } = await run('tar', ['-tzf', join(folder, tarball)])
  return {
    tarball: join(folder, tarball),
    files: stdout
      .trim()
      .split('\n')
      .map((name) => name.replace(/^package\//, '')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

/** An application with only the package and its declared dependencies. @returns its folder */
export async function installIn(folder: string, tarball: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  const quietly = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  await run('npm', ['install', ...quietly, tarball, 'fastify'], { cwd: folder })
  return folder
}
