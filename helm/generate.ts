/** `npm run chart`: writes the generated files of the chart. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHART, generated } from './generated.ts'

for (const [file, content] of Object.entries(generated())) writeFileSync(join(CHART, file), content)
