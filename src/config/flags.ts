/** Settings from flags. */
import { type Given, type Name, NAMES, parse, type Source } from './settings.ts'

/** Flags as given on the command line, in camel case. `config` is read by the caller. */
export type Flags = { readonly [N in Exclude<Name, 'origin'> | 'config']?: string | undefined } & {
  readonly origin?: readonly string[] | undefined
  /** Allows fault injection; there is no variable for it. */
  readonly chaos?: boolean | undefined
}

const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

export function readFlags(flags: Flags): Source {
  const given: Given = new Map()
  for (const name of NAMES) {
    if (flags[name] !== undefined) given.set(name, { where: flagOf(name), raw: flags[name] })
  }
  return { ...parse(given), notes: [] }
}
