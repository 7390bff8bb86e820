/** Fields that are for one connection only (RFC 9110 section 7.6.1), and so are neither forwarded nor stored. */
import { type Fields, field, HOP_BY_HOP, lines } from '../fields.ts'

const NO_OPTIONS: ReadonlySet<string> = new Set()

/** Is a field, named in lower case, for the connection alone? Those that Connection names are. */
export function hopByHop(fields: Fields): (name: string) => boolean {
  const options = connectionOptions(fields)
  return (name) => HOP_BY_HOP.has(name) || options.has(name)
}

/**
 * Does Connection name a field of this message that others would get? Then the origin answers to another message than
 * the one at hand.
 */
export function losesFields(fields: Fields): boolean {
  const options = connectionOptions(fields)
  if (options.size === 0) return false
  for (const [name] of lines(fields)) {
    if (!HOP_BY_HOP.has(name) && options.has(name.replaceAll('_', '-'))) return true
  }
  return false
}

/** The lower-cased options of Connection. */
export function connectionOptions(fields: Fields): ReadonlySet<string> {
  const value = field(fields, 'connection')
  if (value === undefined) return NO_OPTIONS
  return new Set(value.split(',').map((option) => option.trim().toLowerCase()))
}
