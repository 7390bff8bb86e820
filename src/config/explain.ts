/** Turns zod's issues into faults: each with its place, in words, with a suggestion. */
import * as z from 'zod'
import { didYouMean, type Fault, faultMessage, keyName } from './fault.ts'
import { nearest } from './nearest.ts'

type Path = readonly PropertyKey[]

export interface FaultContext {
  /** Where the value at a path, or its key, is written. */
  readonly place: (path: Path, of: 'key' | 'value') => string
  /** The keys that exist at a path. */
  readonly knownKeys: (path: Path) => readonly string[]
}

export function explain(issues: readonly z.core.$ZodIssue[], context: FaultContext): Fault[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(issue.path, key, context))
    const where = context.place(issue.path, issue.code === 'invalid_key' ? 'key' : 'value')
    return [{ where, key: keyName(issue.path), message: issue.message }]
  })
}

function unknownKey(path: Path, key: string, { place, knownKeys }: FaultContext): Fault {
  const known = knownKeys(path)
  const meant = nearest(key, known)
  const message = `unknown key${meant === undefined ? `, expected one of ${known.join(', ')}` : didYouMean(meant)}`
  return { where: place([...path, key], 'key'), key: keyName([...path, key]), message }
}

const PHRASES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

/** Messages of issues for which the schema has none. */
export const describeIssue: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message
  if (issue.code !== 'invalid_type') return undefined
  return faultMessage(PHRASES[issue.expected] ?? issue.expected, issue.input)
}
