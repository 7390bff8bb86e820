/** `k6`: the part that scenarios here use. */
import { currentTags } from '../context.ts'
import { recordCheck } from '../checks.ts'

type Checks<T> = Readonly<Record<string, (value: T) => boolean>>

/** Checks a value. @returns whether all checks passed */
export function check<T>(value: T, checks: Checks<T>): boolean {
  return Object.entries(checks)
    .map(([name, holds]) => recordCheck(name, holds(value), currentTags()))
    .every(Boolean)
}
