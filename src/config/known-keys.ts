import type * as z from 'zod'
import { configJsonSchema } from './json-schema.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema

/** Built once, as a file may have many unknown keys. */
let described: JsonSchema | undefined

/** The keys known at a path of the file; none when any key is allowed there or the path does not exist. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  described ??= asSchema(configJsonSchema())
  const at = path.reduce(childSchema, described)
  return Object.keys(at?.properties ?? {})
}

function childSchema(parent: JsonSchema | undefined, part: PropertyKey): JsonSchema | undefined {
  if (typeof part === 'number') return asSchema(Array.isArray(parent?.items) ? parent.items[part] : parent?.items)
  return asSchema(parent?.properties?.[String(part)] ?? parent?.additionalProperties)
}

const asSchema = (schema: z.core.JSONSchema._JSONSchema | undefined): JsonSchema | undefined =>
  typeof schema === 'object' ? schema : undefined
