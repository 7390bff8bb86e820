/** Files of the chart that are generated from others. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../package.json' with { type: 'json' }
import { dashboard } from './dashboard.ts'
import { markdown, rowsOf } from './table.ts'
import { valuesJsonSchema } from './values.ts'

export const CHART = join(import.meta.dirname, 'herdgate')
const TABLE = /(<!-- values -->\n)[^]*(<!-- \/values -->)/

/** What each should contain, by name. */
export function generated(): Record<string, string> {
  return {
    'values.schema.json': json(valuesJsonSchema()),
    'dashboards/herdgate.json': json(dashboard()),
    'Chart.yaml': read('Chart.yaml')
      .replace(/^version: .*$/m, `version: ${manifest.version}`)
      .replace(/^appVersion: .*$/m, `appVersion: "${manifest.version}"`),
    'README.md': read('README.md').replace(
      TABLE,
      (_, begin: string, end: string) => `${begin}${markdown(rowsOf(read('values.yaml')))}\n${end}`,
    ),
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

const read = (file: string): string => readFileSync(join(CHART, file), 'utf8')
