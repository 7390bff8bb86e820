/**
 * Measures one library in a process of its own. Arguments: its name, where the others are installed, milliseconds per
 * row, and the rows (all if none is named). Prints nanoseconds by row as JSON; null for what the library cannot do.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOM } from './contestant.ts'
import { CONTESTANTS, type Import } from './contestants.ts'
import { ROWS } from './rows.ts'

const [name = '', folder = '', ms = '', ...rows] = process.argv.slice(2)

const importThere: { default: Import } = await import(pathToFileURL(join(folder, 'import.mjs')).href)
const results: Record<string, number | null> = {}
for (const row of ROWS.filter((each) => rows.length === 0 || rows.includes(each.name))) {
  // Each row begins with nothing stored, so that none pays for what an earlier one has left.
  const contestant = await CONTESTANTS[name]?.(importThere.default, row.room ?? ROOM)
  if (contestant === undefined) throw new Error(`no library ${name}`)
  results[row.name] = (await row.measure(contestant, Number(ms))) ?? null
}
console.log(JSON.stringify(results))
process.exit()
