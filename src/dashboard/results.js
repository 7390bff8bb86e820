/** Requests per second, stacked by result. */
import { rate } from './format.js'
import { perSecond } from './history.js'
import { createPlot } from './plot.js'
import { RESULTS, words } from './reason.js'

/** @typedef {import('./history.js').View} View */

/** Drawn from the top of the stack downwards, each over the ones before it. */
const STACK = RESULTS.toReversed()

/** @param {HTMLElement} parent */
export function results(parent) {
  const lines = STACK.map((name) => ({ name: words(name), color: name.replaceAll('_', '-'), area: true }))
  const plot = createPlot(parent, { height: 220, lines, tick: rate })
  /** @type {View | undefined} */
  let shown
  plot.onCursor(() => legend())

  function legend() {
    if (shown === undefined) return
    const { rows } = shown
    const row = rows[plot.at(rows.length - 1)]
    const items = STACK.map((name, at) => ({
      name: words(name),
      color: lines[at]?.color ?? '',
      hidden: !rows.some((each) => each && each.requests[name] > 0),
      value: row ? `${rate(perSecond(row.requests[name], row))}/s` : '',
    }))
    plot.legend(items.toReversed())
  }

  /** @param {View} view */
  return (view) => {
    shown = view
    const heights = RESULTS.map((name) => view.column((row) => perSecond(row.requests[name], row)))
    const columns = heights.map((_, top) => view.times.map((_time, at) => stacked(heights, top, at)))
    plot.draw(view, columns.toReversed())
    legend()
    const parts = RESULTS.map((name) => `${words(name)} ${view.sum(60, (row) => row.requests[name])}`)
    plot.describe(`Requests answered in the last minute: ${parts.join(', ')}`)
  }
}

/** @param {(number | null)[][]} heights @param {number} top @param {number} at */
function stacked(heights, top, at) {
  if (heights[0]?.[at] === null) return null
  return heights.slice(0, top + 1).reduce((sum, column) => sum + (column[at] ?? 0), 0)
}
