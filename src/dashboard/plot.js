/** uPlot as every panel uses it: the page's colours, a time axis, a legend with the numbers. */
import uPlot from './uPlot.esm.js'
import { element, keyed, say } from './dom.js'
import { color, onTheme } from './theme.js'

/**
 * One line or area.
 * @typedef {object} Line
 * @property {string} name
 * @property {string} color a custom property of the style sheet
 * @property {boolean} [area]
 * @property {boolean} [hidden] left out of the legend, as there is nothing to show
 * @property {string} [value] shown in the legend
 */

/**
 * @typedef {object} PlotOptions
 * @property {number} height
 * @property {readonly Line[]} lines
 * @property {uPlot.Scale} [y]
 * @property {(value: number) => string} tick text at the y axis
 * @property {number[]} [splits] where the y axis has ticks
 * @property {number[]} [incrs] distances that are allowed between its ticks
 * @property {uPlot.Band[]} [bands]
 * @property {(plot: uPlot) => void} [draw] draws on the canvas, above the grid
 */

const FONT = '11px system-ui, sans-serif'

/** @param {HTMLElement} parent @param {PlotOptions} options */
export function createPlot(parent, options) {
  const { height, lines, tick, splits, incrs } = options
  const legend = element('ul', { className: 'legend' })
  const box = element('div', { className: 'canvas' })
  parent.append(legend, box)
  /** The time shown, epoch seconds. */
  let from = 0
  let to = 1

  const axis = { stroke: () => color('soft'), font: FONT, grid: { stroke: () => color('grid'), width: 1 } }
  const plot = new uPlot(
    {
      width: box.clientWidth || 300,
      height,
      padding: [8, 28, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { range: () => [from, to] }, y: options.y ?? { range: (_plot, _min, max) => [0, upTo(max)] } },
      axes: [
        { ...axis, space: 80, size: 28, ticks: { show: false }, values: clockTimes },
        {
          ...axis,
          size: 52,
          ticks: { show: false },
          values: (_plot, values) => values.map((value) => (value === null ? '' : tick(value))),
          ...(splits && { splits: () => splits }),
          ...(incrs && { incrs }),
        },
      ],
      series: [{}, ...lines.map(seriesOf)],
      ...(options.bands && { bands: options.bands }),
      hooks: { ...(options.draw && { drawAxes: [options.draw] }) },
    },
    [[], ...lines.map(() => [])],
    box,
  )
  onTheme(() => plot.redraw(false))
  new ResizeObserver(() => {
    if (box.clientWidth > 0 && box.clientWidth !== plot.width) plot.setSize({ width: box.clientWidth, height })
  }).observe(box)

  return {
    /**
     * @param {{ from: number, to: number, times: number[] }} view
     * @param {(number | null)[][]} columns one for each line
     */
    draw(view, columns) {
      from = view.from
      to = view.to
      plot.setData([view.times, ...columns])
    },
    /** @param {readonly Line[]} shown */
    legend(shown) {
      const present = shown.filter(({ hidden }) => !hidden)
      keyed(legend, present, ({ name }) => name, legendItem)
    },
    /** Sets the description for screen readers. @param {string} text */
    describe(text) {
      box.setAttribute('role', 'img')
      box.setAttribute('aria-label', text)
    },
    /** Which snapshot the pointer is at; the newest when it is elsewhere. @param {number} newest */
    at: (newest) => plot.cursor.idx ?? newest,
    /** @param {() => void} listener */
    onCursor(listener) {
      ;(plot.hooks.setCursor ??= []).push(listener)
    },
  }
}

/** @param {Line} line @returns {uPlot.Series} */
function seriesOf({ name, color: of, area }) {
  return {
    label: name,
    width: area ? 1 : 2,
    stroke: () => color(of),
    ...(area && { fill: () => color(of) }),
    points: { show: false, ...(!area && { size: 5, fill: () => color(of), filter: alone }) },
  }
}

/**
 * The points without a neighbour, through which no line goes.
 * @param {uPlot} plot
 * @param {number} line its index
 */
function alone({ data }, line) {
  const values = data[line] ?? []
  const isThere = (/** @type {number} */ at) => (values[at] ?? null) !== null
  return [...values.keys()].filter((at) => isThere(at) && !isThere(at - 1) && !isThere(at + 1))
}

/** @param {Line} line */
function legendItem({ name, color: of }) {
  const swatch = element('i', { className: 'swatch' })
  swatch.style.background = `var(--${of})`
  const value = element('b')
  const item = element('li', {}, swatch, `${name} `, value)
  return Object.assign(item, { update: (/** @type {Line} */ line) => say(value, line.value ?? '') })
}

/** None while there is no data. @param {uPlot} plot @param {number[]} values epoch seconds */
const clockTimes = ({ data: [times] }, values) =>
  times.length === 0
    ? []
    : values.map((value) => new Date(value * 1000).toLocaleTimeString([], { hour12: false, timeStyle: 'medium' }))

/** A round number a little above. @param {number | null} max */
function upTo(max) {
  const value = Math.max(max ?? 0, 1) * 1.1
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= value) ?? 10
  return step * power
}
