import { readFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'

const count = z.int().nonnegative()

const patternResult = z.object({
  pattern: z.string(),
  requests: count,
  /** Responses that must not occur; `wrongs` describes some of them. */
  wrong: count,
  wrongs: z.array(z.string()),
  /** Errors that the origin's failures made unavoidable. */
  explained: count,
  /** Among the right responses. */
  hits: count,
  /** Milliseconds to the last octet, for each right response. */
  ms: z.array(z.number()),
  originRequests: count,
  failedFetches: count,
  storeErrors: count,
  /** Of the node with the most. */
  residentBytes: z.number(),
})

const settings = z.object({ nodes: count, requests: count, seed: count, redis: z.boolean() })

const results = z.object({
  version: z.literal(1),
  settings,
  patterns: z.array(patternResult),
})

export type PatternResult = z.infer<typeof patternResult>
export type Results = z.infer<typeof results>

export const save = (path: string, saved: Results): Promise<void> => writeFile(path, `${JSON.stringify(saved)}\n`)

/** @throws if the file cannot be read, or was not saved by this program */
export async function load(path: string): Promise<Results> {
  const read = results.safeParse(JSON.parse(await readFile(path, 'utf8')))
  if (!read.success) throw new Error(`${path} is no saved run: ${z.prettifyError(read.error)}`)
  return read.data
}
