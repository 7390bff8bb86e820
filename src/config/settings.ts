/** Settings that flags and environment variables can give. */
import * as z from 'zod'
import { describeIssue, explain } from './explain.ts'
import type { Fault } from './fault.ts'
import * as leaf from './leaves.ts'

const settingsSchema = z
  .object({
    origin: leaf.originUrls,
    host: leaf.host,
    port: leaf.port,
    adminHost: leaf.host,
    adminPort: leaf.port,
    adminToken: leaf.token,
    ttl: leaf.duration,
    grace: leaf.duration,
    softTimeout: leaf.softTimeout,
    cookies: leaf.cookieMode,
    memory: leaf.size,
    disk: leaf.path,
    diskSize: leaf.size,
    redis: leaf.redisUrl,
    redisPrefix: leaf.redisPrefix,
    workers: leaf.workers,
    logLevel: leaf.logLevel,
  })
  .partial()

export type Settings = z.output<typeof settingsSchema>
export type Name = keyof Settings

export const NAMES: readonly Name[] = settingsSchema.keyof().options

export interface Source {
  /** The valid ones. */
  readonly settings: Settings
  readonly faults: readonly Fault[]
  readonly notes: readonly string[]
  /** The flag or variable that gave a setting; undefined when none did, valid or not. */
  readonly where: (name: Name) => string | undefined
}

/** Values as given, and where; not yet known to be valid. */
export type Given = Map<Name, { where: string; raw: unknown }>

export function parse(given: Given): Omit<Source, 'notes'> {
  const where = (name: PropertyKey | undefined) => [...given].find(([candidate]) => candidate === name)?.[1].where
  const raw = Object.fromEntries([...given].map(([name, { raw }]) => [name, raw]))
  const result = settingsSchema.safeParse(raw, { error: describeIssue })
  if (result.success) return { settings: result.data, faults: [], where }
  const place = ([name]: readonly PropertyKey[]): string => where(name) ?? String(name)
  const faults = explain(result.error.issues, { place, knownKeys: () => NAMES })
  for (const { path } of result.error.issues) delete raw[String(path[0])]
  return { settings: settingsSchema.parse(raw), faults, where }
}
