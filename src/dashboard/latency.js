/** How long clients wait for the first byte, as a heat map: a cell for each second and each quarter of a decade. */
import { ms } from './format.js'
import { median } from './numbers.js'
import { createPlot } from './plot.js'
import { color } from './theme.js'

/** @typedef {import('./history.js').View} View */
/** @typedef {import('./uPlot.esm.js').default} Plot */

/** From the lower bound of the first bucket to above the last. */
const RANGE = /** @type {[number, number]} */ ([0.056, 56_234])
// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum is in uPlot's types alone
const LOGARITHMIC = /** @type {import('./uPlot.esm.js').default.Scale.Distr} */ (3)
const FAINTEST = 0.25
/** Width of a cell in seconds; slightly more than the time between two snapshots, so that no seams show. */
const WIDTH = 1.05

/** @param {HTMLElement} parent */
export function latency(parent) {
  const lines = [
    { name: 'from the cache, median', color: 'hit' },
    { name: 'waited for an origin, median', color: 'miss' },
  ]
  /** @type {View | undefined} */
  let shown
  const plot = createPlot(parent, {
    height: 240,
    lines,
    y: { distr: LOGARITHMIC, range: () => RANGE },
    splits: [0.1, 1, 10, 100, 1000, 10_000],
    tick: (value) => (value === 0.1 ? '0.1 ms' : ms(value)),
    draw: (canvas) => {
      if (shown === undefined) return
      cells(canvas, shown, 'hit')
      cells(canvas, shown, 'miss')
    },
  })

  /** @param {View} view */
  return (view) => {
    shown = view
    const nothing = view.times.map(() => null)
    plot.draw(view, [nothing, nothing])
    const middles = [middle(view, 'hit'), middle(view, 'miss')]
    plot.legend(lines.map((line, at) => ({ ...line, value: middles[at] ?? '' })))
    plot.describe(`Median time to first byte: ${middles[0]} from the cache, ${middles[1]} after waiting for an origin`)
  }
}

/** @param {Plot} plot @param {View} view @param {'hit' | 'miss'} kind */
function cells(plot, { times, rows, to }, kind) {
  const most = Math.max(1, ...rows.map((row) => (row ? Math.max(...row.latency[kind]) : 0)))
  const { ctx } = plot
  ctx.save()
  ctx.beginPath()
  ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height)
  ctx.clip()
  ctx.fillStyle = color(kind)
  const x = (/** @type {number} */ value) => plot.valToPos(value, 'x', true)
  const y = (/** @type {number} */ value) => plot.valToPos(value, 'y', true)
  rows.forEach((row, at) => {
    const time = times[at] ?? to
    if (row === null) return
    const bounds = row.latency.boundsMs
    const [left, right] = [x(time - WIDTH * (row.elapsedMs / 1000)), x(time)]
    row.latency[kind].forEach((value, bucket) => {
      if (value === 0) return
      const top = y(bounds[bucket] ?? RANGE[1])
      const bottom = y(bounds[bucket - 1] ?? RANGE[0])
      ctx.globalAlpha = FAINTEST + (1 - FAINTEST) * (Math.log1p(value) / Math.log1p(most))
      ctx.fillRect(left, top, Math.max(right - left, 1), bottom - top)
    })
  })
  ctx.restore()
}

/** @param {View} view @param {'hit' | 'miss'} kind */
function middle(view, kind) {
  const bounds = view.last?.latency.boundsMs ?? []
  const counts = [...bounds, 0].map((_, bucket) => view.sum(60, ({ latency: all }) => all[kind][bucket] ?? 0))
  const value = median(counts, bounds)
  return value === undefined ? '–' : ms(value)
}
