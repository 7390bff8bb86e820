/**
 * `${NAME}` in the configuration file stands for an environment variable; `$${` stands for the text `${`.
 *
 * Braces have a meaning in YAML, so `{ token: ${TOKEN} }` would not parse, and values inserted before parsing could
 * change the structure of the file. So before parsing the braces of variables are masked by characters without a
 * meaning in YAML, one for one, so that positions stay the same; values are inserted afterwards.
 */
import type { Environment } from './environment.ts'

const OPEN = '\uE000'
const CLOSE = '\uE001'
const NAME = '[A-Za-z_][A-Za-z0-9_]*'

const TO_MASK = new RegExp(`\\$?\\$\\{${NAME}\\}|\\$\\$\\{`, 'g')
const MASKED = new RegExp(`\\$\\$${OPEN}|\\$${OPEN}(${NAME})${CLOSE}|${CLOSE}|\\$\\{`, 'g')

/** Masks the braces of variables; the length stays the same. */
export const maskBraces = (text: string): string =>
  text.replaceAll(TO_MASK, (found) => found.replace('{', OPEN).replace('}', CLOSE))

export const restoreBraces = (text: string): string => text.replaceAll(OPEN, '{').replaceAll(CLOSE, '}')

/** @returns the masked text with its variables expanded, and what is wrong with them */
export function expand(masked: string, env: Environment): { text: string; problems: string[] } {
  const problems: string[] = []
  const text = masked.replaceAll(MASKED, (found: string, name: string | undefined) => {
    if (name === undefined && found !== '${') return restoreBraces(found).replace('$$', '$')
    const value = name === undefined ? undefined : env[name]
    if (value !== undefined) return value
    problems.push(
      name === undefined
        ? 'expected a variable name in "${...}", such as ${NAME}; write $${ for the text "${"'
        : `environment variable ${name} is not set`,
    )
    return found
  })
  return { text, problems }
}
