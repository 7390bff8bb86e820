/** Short configurations, and helpers that load them. */

import { type Config, type Fault, type Flags, loadConfig } from '../../src/config.ts'
import type { Capacity } from '../../src/config/memory-shares.ts'

export const ORIGIN: Flags = { origin: ['http://origin.example'] }
export const ONE = 'version: 1\norigins: { api: { urls: ["http://a.example"] } }\n'
export const TWO = 'version: 1\norigins: { a: { urls: ["http://a.example"] }, b: { urls: ["http://b.example"] } }\n'

export interface Given {
  flags?: Flags
  env?: Record<string, string>
  text?: string | undefined
  files?: Record<string, string>
  capacity?: Capacity
}

function load({ flags = {}, env = {}, text, files = {}, capacity }: Given) {
  const readFile = (path: string): string => {
    const found = files[path]
    if (found === undefined) throw new Error('no such file')
    return found
  }
  const file = text === undefined ? undefined : { path: 'herdgate.yaml', text }
  return loadConfig({ flags, env, file, readFile, capacity })
}

export function valid(given: Given): Config {
  const loaded = load(given)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  return loaded.config
}

export function faults(given: Given): readonly Fault[] {
  const loaded = load(given)
  return loaded.ok ? [] : loaded.faults
}

export const faultLines = (given: Given): string[] =>
  faults(given).map(({ where, key, message }) => `${where} ${key}: ${message}`)
export const notes = (given: Given): readonly string[] => {
  const loaded = load(given)
  return loaded.ok ? loaded.notes : []
}
