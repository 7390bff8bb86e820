/** The JSON Schema of the configuration file as it is written, for editors and the Helm chart. */
import * as z from 'zod'
import { fileSchema } from './schema.ts'

const VARIABLE = '\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}'
const OR_VARIABLE = `|${VARIABLE}`

/** `${NAME}` is allowed wherever text is. */
export function configJsonSchema(target: 'draft-2020-12' | 'draft-7' = 'draft-2020-12'): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(fileSchema, {
    target,
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      jsonSchema.default ??= statedDefault(zodSchema)
      if (jsonSchema.default === undefined) delete jsonSchema.default
      if (typeof jsonSchema.propertyNames === 'object') withoutVariable(jsonSchema.propertyNames)
      if (jsonSchema.pattern?.endsWith(OR_VARIABLE) === false) jsonSchema.pattern += OR_VARIABLE
      const { enum: choices, minLength } = jsonSchema
      if (choices !== undefined) jsonSchema.anyOf = orVariable({ enum: choices })
      if (minLength !== undefined) jsonSchema.anyOf = orVariable({ type: 'string', minLength })
      delete jsonSchema.enum
      delete jsonSchema.minLength
    },
  })
}

/** The form of the value itself, or a variable, which is none of the choices and may be shorter. */
const orVariable = (form: z.core.JSONSchema.BaseSchema) => [form, { type: 'string', pattern: VARIABLE } as const]

/** The default in a schema's metadata, which zod omits when the schema transforms its value. */
function statedDefault(schema: z.core.$ZodType): z.core.JSONSchema.BaseSchema['default'] {
  const stated = z.globalRegistry.get(schema)?.['default']
  return typeof stated === 'string' || typeof stated === 'number' ? stated : undefined
}

/** Variables are not expanded in keys. */
function withoutVariable(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.pattern?.endsWith(OR_VARIABLE)) schema.pattern = schema.pattern.slice(0, -OR_VARIABLE.length)
}
