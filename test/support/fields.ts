/** Field lines from an object; a list of values gives one line per member. */
export function fieldsOf(record: Readonly<Record<string, string | readonly string[] | undefined>>): string[] {
  const fields: string[] = []
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined) continue
    for (const line of typeof value === 'string' ? [value] : value) fields.push(name, line)
  }
  return fields
}
