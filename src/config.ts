/** Reads flags, environment and file into one checked configuration in milliseconds and bytes. Nothing else does. */
import { crossFaults } from './config/checks.ts'
import { type ConfigText, type ParsedDocument, parseConfigText } from './config/document.ts'
import { CONFIG_VARIABLE, type Environment, readEnvironment } from './config/environment.ts'
import { describeIssue, explain } from './config/explain.ts'
import type { Fault } from './config/fault.ts'
import { type Flags, readFlags } from './config/flags.ts'
import { notesOn } from './config/notes.ts'
import { resolve } from './config/resolve.ts'
import type { Config } from './config/resolved.ts'
import type { Capacity } from './config/memory-shares.ts'
import { knownKeys } from './config/known-keys.ts'
import { type FileConfig, fileSchema } from './config/schema.ts'

export { didYouMean } from './config/fault.ts'
export { nearest } from './config/nearest.ts'
export type { Config, LimitedToken, LogLevel, OriginConfig, RouteConfig } from './config/resolved.ts'
export { configJsonSchema } from './config/json-schema.ts'
export type { ConfigText, Environment, Fault, Flags }

/** A named configuration file that cannot be read. */
export interface UnreadableFile {
  readonly path: string
  /** What named it: `--config` or `HERDGATE_CONFIG`. */
  readonly where: string
  readonly problem: string
}

export interface ConfigSources {
  readonly flags: Flags
  readonly env: Environment
  readonly file?: ConfigText | UnreadableFile | undefined
  /** Reads the file named by HERDGATE_ADMIN_TOKEN_FILE; throws if it cannot. */
  readonly readFile: (path: string) => string
  /** The resources available to the process, on which defaults depend. */
  readonly capacity?: Capacity | undefined
}

/** A configuration, or all of its faults. */
export type Loaded =
  | {
      readonly ok: true
      readonly config: Config
      /** Settings that are allowed, but perhaps not intended. */
      readonly notes: readonly string[]
    }
  | { readonly ok: false; readonly faults: readonly Fault[] }

/** Merges the sources, or reports all of their faults together. Its only I/O is `readFile`. */
export function loadConfig({ flags, env, file, readFile, capacity }: ConfigSources): Loaded {
  const document = file === undefined ? undefined : readDocument(file, env)
  const allowsChaos = flags.chaos === true
  const sources = { flags: readFlags(flags), env: readEnvironment(env, readFile), document, allowsChaos }
  const checked = document === undefined ? { faults: [] } : checkFile(document)
  const faults = [...sources.flags.faults, ...sources.env.faults, ...checked.faults, ...crossFaults(sources)]
  if (faults.length > 0) return { ok: false, faults }
  const config = resolve(sources, checked.file, capacity)
  return { ok: true, config, notes: [...sources.env.notes, ...notesOn(config, sources, checked.file, capacity)] }
}

/** The file to read: the one named by flag or environment, else the default. */
export function configPath(flags: Flags, env: Environment): { path: string; where: string | undefined } {
  if (flags.config !== undefined) return { path: flags.config, where: '--config' }
  const named = env[CONFIG_VARIABLE]
  if (named !== undefined && named !== '') return { path: named, where: CONFIG_VARIABLE }
  return { path: './herdgate.yaml', where: undefined }
}

function readDocument(file: ConfigText | UnreadableFile, env: Environment): ParsedDocument {
  if ('text' in file) return parseConfigText(file, env)
  const { where, path, problem } = file
  const message = path === '' ? 'expected the path of a file, got ""' : `cannot read ${path}: ${problem}`
  return {
    value: undefined,
    faults: [{ where, key: '', message }],
    place: () => path,
  }
}

function checkFile(document: ParsedDocument): { faults: readonly Fault[]; file?: FileConfig } {
  const { value, place, faults } = document
  if (value === undefined) return { faults }
  const result = fileSchema.safeParse(value, { error: describeIssue })
  if (result.success) return { faults, file: result.data }
  // A fault without a key, such as a duplicate key, does not suppress faults of the value.
  const reported = new Set(faults.flatMap(({ where, key }) => (key === '' ? [] : where)))
  const more = explain(result.error.issues, { place, knownKeys }).filter(({ where }) => !reported.has(where))
  return { faults: [...faults, ...more] }
}
