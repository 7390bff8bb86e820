/** The three places a setting can come from, and which of them counts. */
import type { ParsedDocument } from './document.ts'
import * as leaf from './leaves.ts'
import { mapAt } from './raw-values.ts'
import type { Settings, Source } from './settings.ts'

/** Flags override the environment, which overrides the file. */
export interface Sources {
  readonly flags: Source
  readonly env: Source
  /** Its value may be invalid, or undefined when it is not YAML. */
  readonly document: ParsedDocument | undefined
  /** Only a flag can set it, so that it is never inherited from elsewhere. */
  readonly allowsChaos: boolean
}

/** Name of the pool made of the URLs given by `--origin`, and of a route that is implied. */
export const DEFAULT_NAME = 'default'

const DEFAULT_LISTENERS = { host: '0.0.0.0', port: 8080, adminHost: '127.0.0.1', adminPort: 9090 } as const

type ListenerSetting = keyof typeof DEFAULT_LISTENERS

/** Where both ports listen, by the settings that are valid. */
export interface Listeners {
  readonly host: string
  readonly port: number
  readonly adminHost: string
  readonly adminPort: number
  /** Where a setting was given; undefined for a default. */
  readonly where: (name: ListenerSetting) => string | undefined
}

const IN_FILE: Readonly<Record<ListenerSetting, readonly [section: string, key: string]>> = {
  host: ['listen', 'host'],
  port: ['listen', 'port'],
  adminHost: ['admin', 'host'],
  adminPort: ['admin', 'port'],
}

export function listeners({ flags, env, document }: Sources): Listeners {
  const inFile = {
    host: leaf.host.safeParse(rawInFile(document, 'host')).data,
    port: leaf.port.safeParse(rawInFile(document, 'port')).data,
    adminHost: leaf.host.safeParse(rawInFile(document, 'adminHost')).data,
    adminPort: leaf.port.safeParse(rawInFile(document, 'adminPort')).data,
  }
  const given = { ...inFile, ...env.settings, ...flags.settings }
  return {
    host: given.host ?? DEFAULT_LISTENERS.host,
    port: given.port ?? DEFAULT_LISTENERS.port,
    adminHost: given.adminHost ?? DEFAULT_LISTENERS.adminHost,
    adminPort: given.adminPort ?? DEFAULT_LISTENERS.adminPort,
    where: (name) => flags.where(name) ?? env.where(name) ?? placeInFile(document, name),
  }
}

function placeInFile(document: ParsedDocument | undefined, name: ListenerSetting): string | undefined {
  return rawInFile(document, name) === undefined ? undefined : document?.place(IN_FILE[name], 'value')
}

function rawInFile(document: ParsedDocument | undefined, name: ListenerSetting): unknown {
  const [section, key] = IN_FILE[name]
  return mapAt(document?.value, section)[key]
}

/** Flags or environment give the pool named `default`. */
export const definesDefaultPool = ({ flags, env }: Sources): boolean => isGiven('origin', flags, env)

export const isGiven = (name: keyof Settings, ...sources: readonly Source[]): boolean =>
  sources.some(({ where }) => where(name) !== undefined)
