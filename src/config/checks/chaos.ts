/** Fault injection must be asked for twice, by a flag and in the file, and only for tiers and origins that exist. */
import { didYouMean, type Fault } from '../fault.ts'
import { suggestions } from '../nearest.ts'
import { mapAt } from '../raw-values.ts'
import { DEFAULT_NAME, definesDefaultPool, isGiven, type Sources } from '../sources.ts'

const CHAOS_FLAG = '--chaos'

/** The values may be invalid. */
export function chaosFaults(sources: Sources): Fault[] {
  const { document, allowsChaos } = sources
  const isUnreadable = document !== undefined && document.value === undefined
  const isRequested = document !== undefined && Object.hasOwn(mapAt({ file: document.value }, 'file'), 'chaos')
  if (isRequested && !allowsChaos) {
    const message = `expected the flag ${CHAOS_FLAG} as well, so that nobody injects faults by mistake`
    return [{ where: document.place(['chaos'], 'key'), key: 'chaos', message }]
  }
  if (isRequested) return [...absentTiers(sources), ...absentOrigins(sources)]
  if (!allowsChaos || isUnreadable) return []
  return [{ where: CHAOS_FLAG, key: 'chaos', message: 'required: expected a section "chaos" in the file' }]
}

function absentTiers({ flags, env, document }: Sources): Fault[] {
  const named = mapAt(mapAt(document?.value, 'chaos'), 'store')
  const inFile = mapAt(document?.value, 'store')
  return (['disk', 'redis'] as const)
    .filter((tier) => named[tier] !== undefined && inFile[tier] === undefined && !isGiven(tier, flags, env))
    .map((tier) => ({
      where: document?.place(['chaos', 'store', tier], 'key') ?? CHAOS_FLAG,
      key: `chaos.store.${tier}`,
      message: `expected a tier that is configured: there is no store.${tier}`,
    }))
}

function absentOrigins(sources: Sources): Fault[] {
  const { document } = sources
  const known = Object.keys(mapAt(document?.value, 'origins')).concat(definesDefaultPool(sources) ? DEFAULT_NAME : [])
  const [names, meant] = [new Set(known), suggestions(known)]
  return Object.keys(mapAt(mapAt(document?.value, 'chaos'), 'origins'))
    .filter((name) => !names.has(name))
    .map((name) => ({
      where: document?.place(['chaos', 'origins', name], 'key') ?? CHAOS_FLAG,
      key: `chaos.origins.${name}`,
      message: `there is no origin of this name${didYouMean(meant(name))}`,
    }))
}
