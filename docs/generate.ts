/** `npm run docs`: writes the pages that are made from the code. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { referencePage } from './configuration-reference.ts'

writeFileSync(join(import.meta.dirname, 'configuration-reference.md'), referencePage())
