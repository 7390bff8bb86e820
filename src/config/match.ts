import * as z from 'zod'
import * as leaf from './leaves.ts'

/** Which requests a route is for, in the file and as an option of the plugin. */
export const match = z.strictObject({
  host: leaf.hostPattern.optional().describe('Exact, or *.example.com for any subdomain. A port counts only if given.'),
  path: leaf.pathPattern.optional().describe('Exact, or a prefix when it ends in "*".'),
  methods: z
    .array(leaf.method)
    .min(1, { error: 'expected at least one method' })
    .optional()
    .describe('Methods in upper case; GET includes HEAD.'),
})
