/** Each origin: its state now, and its times so far. */
import { element, keyed, say } from './dom.js'
import { count, ms, percent, rate } from './format.js'
import { createPlot } from './plot.js'

/** @typedef {import('./history.js').View} View */
/** @typedef {import('../live/live.ts').LiveOrigin} LiveOrigin */

/** Seconds by which an origin is judged. */
const RECENT = 10

/** @param {HTMLElement} parent */
export function origins(parent) {
  const box = element('div', { className: 'plot' })
  const list = element('ul', { className: 'rows scroll', tabIndex: 0, 'aria-label': 'Origins' })
  parent.append(list, box)
  const lines = [{ name: 'answer, mean', color: 'miss' }]
  const plot = createPlot(box, { height: 120, lines, tick: (value) => (value === 0 ? '0' : ms(value)) })

  /** @param {View} view */
  return (view) => {
    const { last } = view
    if (last === undefined) return
    const rows = last.origins.map((origin) => ({ ...origin, ...recently(view, origin.origin) }))
    keyed(list, rows, ({ origin }) => origin, item)
    plot.draw(view, [view.column(mean).map((value) => (value === 0 ? null : value))])
    plot.legend([{ ...lines[0], name: 'mean time to the response head', color: 'miss' }])
    const parts = rows.map(({ origin, asked, failed }) => `${origin}: ${asked} requests, ${failed} failed`)
    plot.describe(`In the last ${RECENT} seconds: ${parts.join('; ')}`)
  }
}

/** @param {View} view @param {string} name */
function recently(view, name) {
  const of = (/** @type {(origin: LiveOrigin) => number} */ read) =>
    view.sum(RECENT, (row) => row.origins.reduce((sum, each) => sum + (each.origin === name ? read(each) : 0), 0))
  return { asked: of(({ requests }) => requests), failed: of(({ failures }) => failures) }
}

/** Over all origins. @param {import('../live/live.ts').Snapshot} snapshot */
function mean(snapshot) {
  const asked = snapshot.origins.reduce((sum, { requests }) => sum + requests, 0)
  const time = snapshot.origins.reduce((sum, { requests, meanMs }) => sum + requests * (meanMs ?? 0), 0)
  return asked === 0 ? 0 : time / asked
}

/** @typedef {LiveOrigin & { asked: number, failed: number }} Row */

/** @param {Row} row */
function item({ origin }) {
  const state = element('span', { className: 'badge' })
  const about = element('small')
  const made = element('li', {}, element('b', {}, origin), state, about)
  /** @param {Row} row */
  const update = ({ inFlight, queued, asked, failed }) => {
    const [name, kind] = stateOf(asked, failed)
    say(state, name)
    state.className = `badge ${kind}`
    const queue = queued > 0 ? `, ${count(queued)} queued` : ''
    const failing = failed > 0 ? `, ${percent(failed / asked)} failed` : ''
    say(about, `${count(inFlight)} in flight${queue}, ${rate(asked / RECENT)}/s${failing}`)
  }
  return Object.assign(made, { update })
}

/** @param {number} asked @param {number} failed @returns {[name: string, kind: string]} */
function stateOf(asked, failed) {
  if (asked === 0) return ['idle', '']
  if (failed === 0) return ['answers', 'good']
  return failed < asked / 2 ? ['falters', 'poor'] : ['fails', 'bad']
}
