/**
 * `npm run histories -- [--count 200] [--seed 0] [--lanes 8] [--theme ailing]`
 *
 * Plays that many histories, after those that once failed, and explains violations. Exits with 1 if there were any;
 * the seed then belongs in regressions.ts.
 */
import { parseArgs } from 'node:util'
import { build } from './build.ts'
import { complaint, isBad, playAll, Tally } from './histories.ts'
import { inProcess } from './in-process.ts'
import { isTheme } from './plan.ts'
import { REGRESSIONS } from './regressions.ts'

process.once('SIGTERM', () => process.exit(1)) // runs the exit handler that kills the servers

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '0' },
    lanes: { type: 'string', default: '8' },
    theme: { type: 'string' },
  },
})
const { theme } = values
if (theme !== undefined && !isTheme(theme)) {
  console.error(`there is no theme ${theme}`)
  process.exit(2)
}
const count = wholeNumber('count')
const first = wholeNumber('seed')
const seeds = Array.from({ length: count }, (_, at) => first + at)

const PRINT_EVERY = 100
const tally = new Tally()
const bad: number[] = []
await playAll({
  seeds: [...REGRESSIONS, ...seeds],
  start: inProcess((place) => build(place)),
  lanes: Math.max(1, wholeNumber('lanes')),
  theme,
  done(played) {
    tally.add(played)
    if (tally.histories % PRINT_EVERY === 0) console.log(String(tally))
    if (!isBad(played)) return
    bad.push(played.plan.seed)
    console.log(complaint(played))
  },
})
console.log(`${String(tally)}\n${bad.length} went wrong${bad.length === 0 ? '' : `: ${bad.join(', ')}`}`)
process.exit(bad.length === 0 ? 0 : 1) // hundreds of reset sockets keep Node from exiting by itself

function wholeNumber(name: 'count' | 'seed' | 'lanes'): number {
  const number = Number(values[name])
  if (Number.isInteger(number) && number >= 0) return number
  console.error(`--${name} takes a whole number`)
  process.exit(2)
}
