/** Whether a load is one that may be begun. */
import type { History, Source } from './history.ts'
import { failureSharedUntil, isRemoved, isValueOf, keptUntil } from './oracle.ts'
import { lastStored } from './stored.ts'
import type { Setting } from './steps.ts'

/** What is wrong, in words; undefined if nothing is. */
export function complaintOfLoad(load: Source, history: History, setting: Setting): string | undefined {
  if (load.by === 'set') return undefined
  const barring = history.sources.find((other) => isBarring(other, load, history))
  if (barring !== undefined) return barring.outcome === 'failed' ? 'a failure is not shared' : 'another load runs'
  return complaintOfStale(load, history, setting)
}

function complaintOfStale(load: Source, history: History, setting: Setting): string | undefined {
  const { key, stale, began, beganAt, answer } = load
  const asked = answer?.asked ?? began
  const last = lastStored(key, asked, began, history, setting)
  if (stale === undefined) {
    const isHidden = last === undefined || keptUntil(last) <= beganAt || hasSkipped(load, history)
    return isHidden ? undefined : 'the value about to be replaced is not shown'
  }
  const isAllowed = (source: Source) =>
    source.key === key &&
    source.outcome === 'value' &&
    source.ended < began &&
    isValueOf(source, stale, setting) &&
    keptUntil(source) > (answer?.askedAt ?? beganAt) &&
    !isRemoved(source, 'purge', asked, history)
  return history.sources.some(isAllowed) ? undefined : 'the value shown is not the one about to be replaced'
}

/** After a skip, callers load for themselves. */
const SKIPS_REMEMBERED_MS = 30_000

/** Whether the load may be for its caller only. */
const hasSkipped = (load: Source, { sources }: History): boolean =>
  sources.some(
    ({ key, outcome, endedAt, ended }) =>
      key === load.key &&
      outcome === 'skipped' &&
      ended < load.began &&
      endedAt >= (load.answer?.askedAt ?? load.beganAt) - SKIPS_REMEMBERED_MS,
  )

/** Whether the load has to wait for this one, or to share its failure. */
function isBarring(other: Source, load: Source, history: History): boolean {
  if (other.by === 'set' || other.key !== load.key || other.node !== load.node) return false
  if (other.began >= load.began) return false
  const isShared = other.outcome === 'failed' && failureSharedUntil(other) > load.beganAt
  if (other.ended < load.began && !isShared) return false
  if (hasSkipped(load, history) || hasSkipped(other, history)) return false
  const since = Math.min(...[other, load].map(({ answer, began }) => answer?.asked ?? began))
  const isNewSet = (source: Source) =>
    source.by === 'set' && source.key === load.key && source.began > since && source.began < load.began
  if (history.sources.some(isNewSet)) return false
  return !history.removals.some(({ asked, acknowledged }) => acknowledged > since && asked < load.began)
}
