/** What has certainly been stored. */
import type { History, Source } from './history.ts'
import type { Setting } from './steps.ts'

/**
 * The value that is stored under the key from one place to the other, or was until its time was up. Undefined if there
 * is none, or if that is uncertain.
 */
export function lastStored(
  key: string,
  from: number,
  to: number,
  history: History,
  { nodes }: Setting,
): Source | undefined {
  if (nodes.startsWith('two') || nodes === 'one with little room' || history.hasFailedReads) return undefined
  const sources = history.sources.filter((source) => source.key === key && source.ended < to)
  const values = sources.filter(({ outcome }) => outcome === 'value')
  const last = values.at(-1)
  if (last === undefined || last.acknowledged > from || !isCertainlyStored(last, history)) return undefined
  const isInTheWay = (other: Source) => other !== last && last.by === 'load' && other.acknowledged > last.began
  // If it was stored while a call looked in the far store, that call does not know of it.
  const isUnaware = ({ outcome, answer, began }: Source) =>
    outcome === 'skipped' && (answer?.asked ?? began) < last.acknowledged && began > last.began
  if (values.some(isInTheWay) || sources.some(isUnaware)) return undefined
  const { removals } = history
  const isGone = removals.some(
    (removal) =>
      removal.kind === 'purge' && removal.names(last) && removal.acknowledged > last.began && removal.asked < to,
  )
  return isGone ? undefined : last
}

/** Whether nothing kept it from being stored. */
export function isCertainlyStored(source: Source, { sources, removals }: History): boolean {
  if (source.outcome !== 'value') return false
  const { key, node, began, acknowledged, answer } = source
  const asked = answer?.asked ?? began // it may have waited for its turn since
  if (removals.some((each) => each.names(source) && each.acknowledged > began && each.asked < acknowledged))
    return false
  if (source.by === 'set') return true
  const isInItsPlace = (other: Source) =>
    other.key === key && other.node === node && other.by === 'set' && other.began > asked && other.began < acknowledged
  return !sources.some(isInItsPlace)
}
