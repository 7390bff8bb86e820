import { record, type Tags } from './registry.ts'

export interface CheckTally {
  readonly name: string
  passes: number
  fails: number
}

const tallies = new Map<string, CheckTally>()

export function recordCheck(name: string, passed: boolean, tags: Tags): boolean {
  const tally = tallies.get(name) ?? { name, passes: 0, fails: 0 }
  tallies.set(name, tally)
  if (passed) tally.passes++
  else tally.fails++
  record('checks', Number(passed), { ...tags, check: name })
  return passed
}

export const checkTallies = (): CheckTally[] => [...tallies.values()]
