/** Settings that are one of a few words. */
import * as z from 'zod'
import { expected } from '../fault.ts'
import { nearest } from '../nearest.ts'
import { type Hint, readOrFault, text } from './text.ts'

const COOKIE_MODES = ['safe', 'rfc', 'ignore'] as const
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export const cookieMode = choice(COOKIE_MODES)
/** Case-insensitive, as LOG_LEVEL is shared with other programs. */
export const logLevel = choice(LOG_LEVELS)

/** Also true and false: Helm reads values as YAML 1.1, which turns on and off into those. */
export const onOff = z
  .union([z.boolean(), z.string()], expected('on or off'))
  .transform(readOrFault('on or off', readOnOff, () => undefined))
  .meta({ enum: ['on', 'off', true, false] })

function readOnOff(given: string): 'on' | 'off' | undefined {
  const word = given.toLowerCase()
  if (word === 'on' || word === 'true') return 'on'
  return word === 'off' || word === 'false' ? 'off' : undefined
}

/** Also as text, which is what a variable gives. */
export const boolean = z
  .union([z.boolean(), z.string()], expected('true or false'))
  .transform(readOrFault('true or false', readBoolean, () => undefined))
  .meta({ pattern: '^(true|false)$' })

function readBoolean(given: string): boolean | undefined {
  return given === 'true' || given === 'false' ? given === 'true' : undefined
}

function choice<const Choice extends string>(choices: readonly Choice[]) {
  const find = (given: string): Choice | undefined => choices.find((choice) => choice === given.toLowerCase())
  const hint: Hint = (input) => (typeof input === 'string' ? nearest(input, choices) : undefined)
  return text(`one of ${choices.join(', ')}`, find, hint).meta({ enum: [...choices] })
}
