/** Inputs kept as files, one octet a character: `corpus/<target>/<digest>`. */
import { hash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** An input that once failed; kept for good, while others come and go as they are found worth it. */
const REGRESSION = 'regression-'

const folderOf = (target: string): string => join(import.meta.dirname, 'corpus', target)

export interface Kept {
  readonly file: string
  readonly input: string
}

export function readCorpus(target: string): Kept[] {
  const folder = folderOf(target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .map((file) => ({ file, input: readFileSync(join(folder, file), 'latin1') }))
}

/** @returns where it is, from the root of the repository */
export function keepRegression(target: string, input: string): string {
  return write(target, REGRESSION + digest(input), input)
}

/** Puts these in place of all inputs that are not regressions. */
export function replaceCorpus(target: string, inputs: readonly string[]): void {
  for (const { file } of readCorpus(target)) {
    if (!file.startsWith(REGRESSION)) rmSync(join(folderOf(target), file))
  }
  for (const input of inputs) write(target, digest(input), input)
}

function write(target: string, file: string, input: string): string {
  mkdirSync(folderOf(target), { recursive: true })
  writeFileSync(join(folderOf(target), file), input, 'latin1')
  return join('test/fuzz/corpus', target, file)
}

const digest = (input: string): string => hash('sha256', Buffer.from(input, 'latin1')).slice(0, 12)
