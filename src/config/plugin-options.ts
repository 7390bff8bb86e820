/** Options that the Fastify plugin shares with a route of the file: they accept the same values and mean the same. */
import * as z from 'zod'
import { messageOf } from '../errors.ts'
import { duration, share, size } from '../units.ts'
import { describeIssue, explain } from './explain.ts'
import { expected } from './fault.ts'
import * as leaf from './leaves.ts'
import { match } from './match.ts'

/** Not strict, as Fastify and other plugins have options of their own. */
const schema = z.object({
  match: match.optional(),
  ttl: readBy(duration),
  override: z.boolean().optional(),
  grace: readBy(duration),
  softTimeout: readBy(duration),
  refreshAhead: readBy(share),
  cookies: leaf.cookieMode.optional(),
  tags: leaf.tags.optional(),
  memory: readBy(size),
  trustProxy: leaf.networks.optional(),
  via: leaf.pseudonym.optional(),
  onCache: z.custom(isFunction, expected('a function')).optional(),
})

/** Durations in milliseconds, sizes in bytes. What is left out is `undefined`. */
export type PluginOptions = Omit<z.output<typeof schema>, 'onCache'>

/** @throws TypeError naming every option that is not valid */
export function readPluginOptions(given: object): PluginOptions {
  const result = schema.safeParse(given, { error: describeIssue })
  if (result.success) return result.data
  const faults = explain(result.error.issues, { place: () => '', knownKeys: () => match.keyof().options })
  throw new TypeError(`herdgate: ${faults.map(({ key, message }) => `${key}: ${message}`).join('; ')}`)
}

/** Reads a value as the library does: a number is milliseconds, or bytes. */
function readBy(read: (given: never) => number) {
  const given = z.unknown().transform((value, context) => {
    try {
      return read(value as never) // it checks its argument
    } catch (error) {
      context.issues.push({ code: 'custom', message: messageOf(error), input: value })
      return z.NEVER
    }
  })
  return given.optional()
}

function isFunction(given: unknown): boolean {
  return typeof given === 'function'
}
