/** The page of every key of the configuration file, made from the schema that the file is validated against. */
import { configJsonSchema } from '../src/config/json-schema.ts'

interface Schema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly anyOf?: readonly { readonly enum?: readonly unknown[]; readonly minLength?: number }[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly propertyNames?: Schema
  readonly additionalProperties?: Schema | false
  readonly items?: Schema
}

interface Key {
  readonly path: string
  readonly schema: Schema
  readonly required: boolean
}

const HEAD = `# Configuration file, key by key

<!-- Made by \`npm run docs\` from src/config/schema.ts; change that. -->

The format, an example, and how flags and environment override it: [configuration.md](configuration.md). \`[]\` stands for
each member of a list, \`<name>\` for a name of your choice. \`\${NAME}\` is allowed wherever text is. \`herdgate schema\`
prints the same as JSON Schema.
`

/** The whole page, as Markdown. */
export function referencePage(): string {
  const { properties = {}, required = [] } = configJsonSchema() as Schema
  const sections = Object.entries(properties).map(([path, schema]) =>
    section({ path, schema, required: required.includes(path) }),
  )
  return [HEAD, ...sections].join('\n')
}

function section(top: Key): string {
  const [first, ...below] = keysFrom(top)
  const rows = (below.length === 0 && first !== undefined ? [first] : below).map(row)
  return [
    `## ${top.path}`,
    '',
    ...(below.length === 0 ? [] : [top.schema.description ?? '', '']),
    '| key | value | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

/** The key itself, then those within it. */
function keysFrom(key: Key): Key[] {
  const { path, schema } = key
  const { properties = {}, required = [], items, additionalProperties } = schema
  const named = Object.entries(properties).map(([name, child]) => ({
    path: `${path}.${name}`,
    schema: child,
    required: required.includes(name),
  }))
  const any = additionalProperties ? [{ path: `${path}.${placeholder(schema)}`, schema: additionalProperties }] : []
  const member = items?.properties === undefined ? [] : [{ path: `${path}[]`, schema: items }]
  const unnamed = [...any, ...member].flatMap((child) => keysFrom({ ...child, required: false }))
  // What has no words of its own is but a place for the keys below it.
  const itself = schema.description === undefined ? [] : [key]
  return [...itself, ...named.flatMap(keysFrom), ...unnamed]
}

const placeholder = ({ propertyNames }: Schema): string =>
  propertyNames?.pattern?.startsWith('^[2-5]') === true ? '<status>' : '<name>'

function row({ path, schema, required }: Key): string {
  const cells = [`\`${path}\``, valueOf(schema), required ? 'required' : defaultOf(schema), schema.description ?? '']
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function defaultOf({ default: value }: Schema): string {
  const isThere = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return isThere ? `\`${value}\`` : '' // else none, or an empty list or map
}

function valueOf(schema: Schema): string {
  const { type = [], items, additionalProperties, const: only, anyOf = [], pattern = '' } = schema
  const choices = anyOf.flatMap((form) => form.enum ?? []).filter((choice) => typeof choice === 'string')
  if (only !== undefined) return `\`${JSON.stringify(only)}\``
  if (choices.length > 0) return choices.map((choice) => `\`${choice}\``).join(', ')
  if ([type].flat().includes('boolean')) return '`true`, `false`'
  if (type === 'array') return items?.properties === undefined ? 'list of texts' : 'list of maps'
  if (type === 'object') return additionalProperties ? `map of \`${placeholder(schema)}\`` : 'map'
  if (pattern.includes('KiB')) return 'size'
  if (pattern.includes('\\.\\.')) return 'duration, or a range of two'
  if (pattern.includes('(ms|s|m|h|d)')) return 'duration'
  if ([type].flat().some((each) => each === 'number' || each === 'integer')) return numberOf(schema)
  const [least] = anyOf.flatMap((form) => form.minLength ?? [])
  return least === undefined ? 'text' : `text, ${least} characters and more`
}

function numberOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): string {
  return exclusiveMinimum === undefined
    ? `number from ${minimum} to ${maximum}`
    : `number above ${exclusiveMinimum}, below ${exclusiveMaximum}`
}
