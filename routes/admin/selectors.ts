/** The selectors of a purge or an invalidation, strictly checked. */
import { z } from 'zod'
import { LONGEST_TAG, readUrl, type Targets, urlsOfBothSchemes } from '../../src/for-routes.ts'

const MAX_ITEMS = 256

export const Tag = z
  .string()
  .min(1, 'a tag must not be empty')
  .refine((tag) => Buffer.byteLength(tag) <= LONGEST_TAG, `longer than ${LONGEST_TAG} bytes`)

const Url = z.string().superRefine((text, context) => {
  const read = readUrl(text)
  if (!read.ok) context.addIssue({ code: 'custom', message: read.detail })
})

const Prefix = z.string().superRefine((text, context) => {
  const read = readUrl(text)
  if (!read.ok) context.addIssue({ code: 'custom', message: read.detail })
  else if (text.includes('?')) context.addIssue({ code: 'custom', message: 'a prefix must end before the query' })
  else if (text.endsWith('*')) {
    context.addIssue({ code: 'custom', message: 'a prefix takes no wildcard: it selects everything below it' })
  }
})

export const Selectors = z
  .strictObject(
    {
      tags: z.array(Tag).optional().describe('Tags the origin gave its responses; at most 256 bytes each.'),
      urls: z
        .array(Url)
        .optional()
        .describe('Absolute URLs as clients request them. Selects all methods and variants.'),
      prefixes: z.array(Prefix).optional().describe('Absolute URLs, cut at path segments. Selects everything below.'),
      all: z.boolean().optional().describe('Everything.'),
    },
    { error: ({ code }) => (code === 'invalid_type' ? 'expected a JSON object as content' : undefined) },
  )
  .superRefine(({ tags = [], urls = [], prefixes = [], all = false }, context) => {
    const items = tags.length + urls.length + prefixes.length
    const issue = (message: string) => context.addIssue({ code: 'custom', message })
    if (items === 0 && !all) issue('name at least one tag, URL or prefix, or say "all": true')
    if (items > MAX_ITEMS) issue(`${items} items; at most ${MAX_ITEMS} are taken at once`)
  })
  .describe(`At least one selector, at most ${MAX_ITEMS} items in total.`)

export type Selected = z.infer<typeof Selectors>

/** @param by who requests it */
export function targetsOf({ tags, urls, prefixes, all }: Selected, by: string): Targets {
  return {
    tags,
    urls: urls?.flatMap(urlsOfBothSchemes),
    prefixes: prefixes?.flatMap(urlsOfBothSchemes),
    all: all || undefined,
    by,
  }
}
