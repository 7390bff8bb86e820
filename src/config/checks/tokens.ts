/** Tokens of the admin API: names and tokens are unique, and each may do something. */
import { type Fault, keyName } from '../fault.ts'
import { isMap, listAt, mapAt } from '../raw-values.ts'
import type { Sources } from '../sources.ts'

/** No message repeats a token. */
export function tokenFaults({ flags, env, document }: Sources): Fault[] {
  if (document === undefined) return []
  const admin = mapAt(document.value, 'admin')
  const names = new Set<unknown>()
  const tokens = new Set([flags.settings.adminToken ?? env.settings.adminToken ?? admin['token']])
  return listAt(admin, 'tokens').flatMap((limited, at) => {
    if (!isMap(limited)) return []
    const fault = (within: readonly string[], message: string): Fault[] => {
      const path = ['admin', 'tokens', at, ...within]
      return [{ where: document.place(path, 'value'), key: keyName(path), message }]
    }
    return [
      ...(isRepeated(limited['name'], names) ? fault(['name'], 'expected a name no other token has') : []),
      ...(isRepeated(limited['token'], tokens) ? fault(['token'], 'expected a token unlike any other') : []),
      ...(isIdle(limited) ? fault([], 'expected at least one of read, tags and prefixes: it may do nothing') : []),
    ]
  })
}

function isRepeated(value: unknown, seen: Set<unknown>): boolean {
  if (typeof value !== 'string') return false
  const repeated = seen.has(value)
  seen.add(value)
  return repeated
}

function isIdle(limited: Readonly<Record<string, unknown>>): boolean {
  const isEmpty = (list: unknown): boolean => list === undefined || (Array.isArray(list) && list.length === 0)
  return isOff(limited['read']) && isEmpty(limited['tags']) && isEmpty(limited['prefixes'])
}

/** As the schema reads it, which takes text as well. */
const isOff = (read: unknown): boolean => read === undefined || read === false || read === 'false'
