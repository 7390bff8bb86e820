/** values.yaml as a table: one row for each comment that begins with "# --". */
import { parse } from 'yaml'

export interface Row {
  /** `image.tag`. */
  readonly key: string
  readonly fallback: unknown
  readonly description: string
}

/** Relies on the layout of the file: two spaces per level, comments above keys. */
export function rowsOf(values: string): Row[] {
  const tree: unknown = parse(values)
  const rows: Row[] = []
  const path: string[] = []
  let comment: string[] = []
  for (const line of values.split('\n')) {
    const [, begins, said] = /^ *#( --)? ?(.*)$/.exec(line) ?? []
    if (said !== undefined) {
      if (begins !== undefined) comment = [said]
      else if (comment.length > 0) comment.push(said)
      continue
    }
    const [, depth, name] = /^( *)([\w-]+):/.exec(line) ?? []
    if (depth === undefined || name === undefined) continue
    path.splice(depth.length / 2, path.length, name)
    if (comment.length > 0) rows.push({ key: path.join('.'), fallback: at(tree, path), description: comment.join(' ') })
    comment = []
  }
  return rows
}

/** Keys without children that neither have a description nor belong to a key that has one. */
export function undescribed(values: string): string[] {
  const described = new Set(rowsOf(values).map(({ key }) => key))
  const visit = (value: unknown, key: string): string[] => {
    if (described.has(key)) return []
    if (value === null || typeof value !== 'object' || Array.isArray(value) || Object.keys(value).length === 0)
      return [key]
    return Object.entries(value).flatMap(([name, child]) => visit(child, key === '' ? name : `${key}.${name}`))
  }
  return visit(parse(values), '')
}

export function markdown(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ key, fallback, description }) =>
      `| \`${key}\` | ${cell(`\`${JSON.stringify(fallback)}\``)} | ${cell(description)} |`,
  )
  return ['| key | default | |', '| --- | --- | --- |', ...lines].join('\n')
}

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`)

const at = (tree: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], tree)
