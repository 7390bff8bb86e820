/** One of a few words. */
import { nearest } from '../nearest.ts'
import { type Hint, text } from './text.ts'

const COOKIE_MODES = ['safe', 'rfc', 'ignore'] as const
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export const cookieMode = choice(COOKIE_MODES)
export const onOff = choice(['on', 'off'])
/** Taken in any case: LOG_LEVEL is shared with other programs. */
export const logLevel = choice(LOG_LEVELS)

function choice<const Choice extends string>(choices: readonly Choice[]) {
  const find = (given: string): Choice | undefined => choices.find((choice) => choice === given.toLowerCase())
  const hint: Hint = (input) => (typeof input === 'string' ? nearest(input, choices) : undefined)
  return text(`one of ${choices.join(', ')}`, find, hint).meta({ enum: [...choices] })
}
