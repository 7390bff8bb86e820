/** How values are read from text, and the messages for text that is not valid. */
import * as z from 'zod'
import { expected, faultMessage } from '../fault.ts'

export type Hint = (input: unknown) => string | undefined
type Read<T> = (given: string) => T | undefined

/** Text that `read` understands; anything else is "expected <phrase>, got ...". */
export function text<T>(phrase: string, read: Read<T>, guess?: Hint) {
  const hint = onlyValid(guess, read)
  const quotes = inQuotes(read)
  return z.string(expected(phrase, (input) => hint(input) ?? quotes(input))).transform(readOrFault(phrase, read, hint))
}

/** Suggests quotation marks, without which YAML reads some text as a number, or as true or false. */
export function inQuotes(read: Read<unknown>): Hint {
  return (input) => {
    const isOther = typeof input === 'number' || typeof input === 'boolean'
    return isOther && read(String(input)) !== undefined ? `"${input}"` : undefined
  }
}

/** A number, or text standing for one. */
export function numeric(phrase: string, read: Read<number>, guess?: Hint) {
  const hint = onlyValid(guess, read)
  return z.union([z.number(), z.string()], expected(phrase, hint)).transform(readOrFault(phrase, read, hint))
}

export function readOrFault<T>(phrase: string, read: Read<T>, hint: Hint) {
  return (given: string | number | boolean, context: z.core.$RefinementCtx) => {
    const value = read(String(given))
    if (value !== undefined) return value
    context.issues.push({ code: 'custom', message: faultMessage(phrase, given, hint(given)), input: given })
    return z.NEVER
  }
}

/** Suggests only what would be accepted. */
function onlyValid(guess: Hint | undefined, read: Read<unknown>): Hint {
  return (input) => {
    const meant = guess?.(input)
    return meant !== undefined && read(meant) !== undefined ? meant : undefined
  }
}

/** Accepts what the pattern matches, unchanged. */
export const matching = (pattern: RegExp) => (given: string) => (pattern.test(given) ? given : undefined)
