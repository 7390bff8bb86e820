/** How many clients wait, for how few fetches. */
import { count } from './format.js'
import { createPlot } from './plot.js'

/** @typedef {import('./history.js').View} View */

/** Steps of the axis: 1, 2, 5, 10 and so on, as there are no halves of clients. */
const WHOLE = [0, 1, 2, 3, 4].flatMap((power) => [1, 2, 5].map((factor) => factor * 10 ** power))

/** @param {HTMLElement} parent */
export function herd(parent) {
  const lines = [
    { name: 'clients waiting', color: 'collapsed', area: true },
    { name: 'fetches at origins', color: 'miss' },
  ]
  const plot = createPlot(parent, { height: 220, lines, tick: count, incrs: WHOLE })
  /** @type {View | undefined} */
  let shown
  plot.onCursor(() => legend())

  function legend() {
    const row = shown?.rows[plot.at(shown.rows.length - 1)]
    const values = row ? [row.herd.waiting, row.herd.fetching] : []
    plot.legend(lines.map((line, at) => ({ ...line, value: count(values[at] ?? 0) })))
  }

  /** @param {View} view */
  return (view) => {
    shown = view
    const waiting = view.column((row) => row.herd.waiting)
    const fetching = view.column((row) => row.herd.fetching)
    plot.draw(view, [waiting, fetching])
    legend()
    const most = (/** @type {(number | null)[]} */ column) => Math.max(0, ...column.map((value) => value ?? 0))
    plot.describe(`Peaks: ${most(waiting)} clients waiting, ${most(fetching)} fetches at origins`)
  }
}
