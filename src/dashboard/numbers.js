/** The five numbers at the top. */
import { element, say } from './dom.js'
import { count, duration, ms, percent, rate } from './format.js'

/** @typedef {import('../live/live.ts').Snapshot} Snapshot */
/** @typedef {import('./history.js').View} View */

/** Seconds that count as recent. */
const RECENT = 60

/** @param {HTMLElement} parent */
export function numbers(parent) {
  const ratio = tile(parent, 'Hit ratio')
  const requests = tile(parent, 'Requests')
  const asked = tile(parent, 'Origin requests')
  const saved = tile(parent, 'Origin time saved')
  const wait = tile(parent, 'Time to first byte')

  /** @param {View} view */
  return (view) => {
    const { last } = view
    if (last === undefined) return
    const seconds = view.sum(RECENT, ({ elapsedMs }) => elapsedMs) / 1000 || 1
    const of = (/** @type {(snapshot: Snapshot) => number} */ read) => view.sum(RECENT, read)
    const hits = of(({ requests: { hit, stale, stale_if_error } }) => hit + stale + stale_if_error)
    const all = hits + of(({ requests: { revalidated, collapsed, miss } }) => revalidated + collapsed + miss)
    ratio(all === 0 ? '–' : percent(hits / all), `last minute; ${percent(last.stats.hitRatio)} since the start`)
    requests(`${rate(of(answered) / seconds)}/s`, `${count(total(last))} since the start`)
    const fetched = of(({ origins }) => origins.reduce((sum, origin) => sum + origin.requests, 0))
    asked(`${rate(fetched / seconds)}/s`, `${count(last.stats.originRequests)} since the start`)
    saved(duration(last.stats.originTimeSavedMs), 'that clients did not have to wait')
    const counts = last.latency.boundsMs.map((_, at) => of(({ latency }) => latency.hit[at] ?? 0))
    const waits = last.latency.boundsMs.map((_, at) => of(({ latency }) => latency.miss[at] ?? 0))
    const shown = (/** @type {number[]} */ buckets) => {
      const at = median(buckets, last.latency.boundsMs)
      return at === undefined ? '–' : ms(at)
    }
    wait(shown(counts), `from the cache; ${shown(waits)} from an origin (medians)`)
  }
}

/** @param {HTMLElement} parent @param {string} name */
function tile(parent, name) {
  const value = element('b', { className: 'value' }, '–')
  const note = element('small', {}, '\u00a0')
  parent.append(element('p', { className: 'tile card' }, element('span', {}, name), value, note))
  return (/** @type {string} */ text, /** @type {string} */ about) => {
    say(value, text)
    say(note, about)
  }
}

/** @param {Snapshot} snapshot */
export const answered = ({ requests }) => Object.values(requests).reduce((sum, value) => sum + value, 0)

/** @param {Snapshot} snapshot */
const total = ({ stats }) => Object.values(stats.requests).reduce((sum, value) => sum + value, 0)

/**
 * The median of a histogram: the geometric middle of the bucket that holds it; undefined when it is empty.
 * @param {readonly number[]} counts
 * @param {readonly number[]} bounds
 */
export function median(counts, bounds) {
  let left = counts.reduce((sum, value) => sum + value, 0) / 2
  if (left === 0) return undefined
  for (const [at, value] of counts.entries()) {
    left -= value
    if (left <= 0) return Math.sqrt((bounds[at - 1] ?? bounds[0] ?? 0) * (bounds[at] ?? bounds.at(-1) ?? 0))
  }
  return bounds.at(-1)
}
