/** Names: of routes, fields, methods, tags. */
import * as z from 'zod'
import { LONGEST_TAG, MAX_TAGS } from '../../policy/fields/tag-caps.ts'
import { TOKEN } from '../../token.ts'
import { expected } from '../fault.ts'
import { inQuotes, matching, text } from './text.ts'

/** The label value of metrics for anything without a name of its own. */
const TAKEN = '_OTHER'
const NAME = /^[A-Za-z0-9_.-]{1,64}$/
const nameExpected = expected('a name of 1 to 64 letters, digits, ".", "_" or "-"', inQuotes(matching(NAME)))
/** Name of a route or an origin: part of keys and of metric labels. */
export const name = z
  .string(nameExpected)
  .regex(NAME, nameExpected)
  .refine((given) => given !== TAKEN, expected(`a name other than ${TAKEN}, which is reserved for metrics`))

const statusExpected = expected('a status code from 200 to 599')
export const statusCode = z.string(statusExpected).regex(/^[2-5]\d\d$/, statusExpected)

export const fieldName = text('a request field name such as x-tenant', (given) => matching(TOKEN)(given)?.toLowerCase())
export const pseudonym = text('a name of at most 64 token characters, such as herdgate-edge', (given) =>
  given.length <= 64 ? matching(TOKEN)(given) : undefined,
)
export const cookieName = text('a cookie name', matching(TOKEN))
export const method = text('a method in upper case, such as GET', matching(/^[A-Z][A-Z0-9_-]{0,31}$/), (input) =>
  typeof input === 'string' && /^[a-z]+$/i.test(input) ? input.toUpperCase() : undefined,
)

/** A trailing `*` matches any ending. */
export const parameterPattern = text(
  'the name of a query parameter, with "*" only at its end, such as utm_*',
  matching(/^[^*&=#\s]*[^&=#\s]$/),
)

const isTag = (given: string): boolean =>
  given !== '' && Buffer.byteLength(given) <= LONGEST_TAG && !/\p{Cc}/u.test(given)

const tag = text(`a tag of 1 to ${LONGEST_TAG} bytes without control characters`, (given) =>
  isTag(given) ? given : undefined,
)
/** A trailing `*` matches any ending. Without white space around it, as tags of responses are. */
const tagPattern = text(`a tag of 1 to ${LONGEST_TAG} bytes, with "*" only at its end, such as team-a:*`, (given) =>
  isTag(given) && given.trim() === given && !given.slice(0, -1).includes('*') ? given : undefined,
)
export const tagPatterns = z
  .array(tagPattern)
  .max(MAX_TAGS, { error: `expected at most ${MAX_TAGS} tags` })
  .transform((given) => [...new Set(given)])

export const tags = z
  .array(tag)
  .max(MAX_TAGS, { error: `expected at most ${MAX_TAGS} tags` })
  .transform((given) => [...new Set(given)])
