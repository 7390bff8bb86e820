/** Reads values that are not yet known to be valid. */
export function mapAt(value: unknown, key: string): Readonly<Record<string, unknown>> {
  return asMap(asMap(value)[key])
}

export function listAt(value: unknown, key: string): readonly unknown[] {
  const found = asMap(value)[key]
  return Array.isArray(found) ? found : []
}

export const asMap = (value: unknown): Readonly<Record<string, unknown>> => (isMap(value) ? value : {})

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
