import type { Fault } from '../fault.ts'
import { asMap, isMap, mapAt } from '../raw-values.ts'
import { isGiven, type Sources } from '../sources.ts'

/** The member that a tier in the file cannot do without, and the other ways to give it. */
const NEEDED = [
  { tier: 'disk', member: 'path', phrase: 'the path of a folder', ways: '--disk or HERDGATE_DISK' },
  { tier: 'redis', member: 'url', phrase: 'a URL', ways: '--redis, HERDGATE_REDIS or REDIS_URL' },
] as const

export function storeFaults({ flags, env, document }: Sources): Fault[] {
  if (document === undefined) return []
  const tiers = mapAt(document.value, 'store')
  return NEEDED.filter(
    ({ tier, member }) => isMap(tiers[tier]) && asMap(tiers[tier])[member] === undefined && !isGiven(tier, flags, env),
  ).map(({ tier, member, phrase, ways }) => ({
    where: document.place(['store', tier], 'key'),
    key: `store.${tier}.${member}`,
    message: `required: expected ${phrase} here or by ${ways}`,
  }))
}
