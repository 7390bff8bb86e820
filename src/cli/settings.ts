import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import {
  type Config,
  type ConfigSources,
  configPath,
  type Fault,
  type Flags,
  type Loaded,
  loadConfig,
} from '../config.ts'
import type { Capacity } from '../config/memory-shares.ts'
import { memoryCeilings } from '../heap/memory-ceilings.ts'
import { fail } from './fail.ts'

export interface LoadedSettings {
  readonly config: Config
  readonly notes: readonly string[]
}

/** A command line as it was given. */
export interface Given {
  readonly flags: Flags
  /** Unknown flags and unexpected arguments; values are checked later. */
  readonly faults: readonly Fault[]
}

/** Reads flags, environment and file anew, as one configuration. */
export type ReadSettings = () => Loaded

/** Prints every fault and returns undefined when there are any. */
export function loadSettings(readSettings: ReadSettings): LoadedSettings | undefined {
  const read = readSettings()
  if (read.ok) return read
  fail(describeFaults(read.faults), 2)
  return undefined
}

/** Once the default file has been read, a reload requires it: it may be missing just while it is being replaced. */
export function settingsOf({ flags, faults }: Given): ReadSettings {
  let isRequired = false
  return () => {
    const file = readConfigFile(flags, isRequired)
    isRequired ||= file !== undefined
    const loaded = loadConfig({ flags, env: process.env, file, readFile, capacity: capacity() })
    if (loaded.ok && faults.length === 0) return loaded
    return { ok: false, faults: loaded.ok ? faults : [...faults, ...loaded.faults] }
  }
}

/** What this process may use of the machine, or of its container. */
export const capacity = (): Capacity => ({ ...memoryCeilings(), cores: availableParallelism() })

export function describeFaults(faults: readonly Fault[]): string {
  const lines = faults.map(({ where, key, message }) => `  ${where}: ${key === '' ? '' : `${key}: `}${message}`)
  const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`
  return `${count} in the configuration\n${lines.join('\n')}`
}

/** The default file may be absent, unless it is needed. */
function readConfigFile(flags: Flags, isRequired: boolean): ConfigSources['file'] {
  const { path, where } = configPath(flags, process.env)
  try {
    return { path, text: readFile(path) }
  } catch (error) {
    const { code, message } =
      error instanceof Error ? (error as NodeJS.ErrnoException) : { code: '', message: String(error) }
    if (where === undefined && code === 'ENOENT' && !isRequired) return undefined
    return { path, where: where ?? path, problem: code === 'ENOENT' ? 'there is no such file' : message }
  }
}

const readFile = (path: string): string => readFileSync(path, 'utf8')
