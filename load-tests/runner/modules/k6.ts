/** `k6`: as much of it as scenarios here use. */
import { currentTags } from '../context.ts'
import { recordCheck } from '../checks.ts'

type Checks<T> = Readonly<Record<string, (value: T) => boolean>>

/** Looks at a value. @returns whether all looked good */
export function check<T>(value: T, checks: Checks<T>): boolean {
  return Object.entries(checks)
    .map(([name, holds]) => recordCheck(name, holds(value), currentTags()))
    .every(Boolean)
}
