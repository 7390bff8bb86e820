/** The nodes that share the invalidation log, and how far each has applied it. */
import { element, keyed, say } from './dom.js'
import { count } from './format.js'

/** @typedef {import('./history.js').View} View */
/** @typedef {{ id: string, position: number, newest: number }} Row */

/** @param {HTMLElement} parent */
export function nodes(parent) {
  const state = element('p', { className: 'state' })
  const badge = element('span', { className: 'badge' })
  const text = element('span')
  state.append(badge, ' ', text)
  const list = element('ul', { className: 'rows scroll', tabIndex: 0, 'aria-label': 'Nodes' })
  parent.append(state, list)

  /** @param {View} view */
  return (view) => {
    if (view.last === undefined) return
    const { synced, stats } = view.last
    const newest = Math.max(stats.log.position, ...stats.nodes.map(({ position }) => position))
    say(badge, synced ? 'synced' : 'not synced')
    badge.className = `badge ${synced ? 'good' : 'bad'}`
    const { purge, invalidate, failed } = stats.purges
    const made = `purges ${count(purge)}, invalidations ${count(invalidate)}`
    say(text, `record ${count(stats.log.position)}; made here: ${made}${failed > 0 ? `, failed ${count(failed)}` : ''}`)
    keyed(
      list,
      stats.nodes.map((node) => ({ ...node, newest })),
      ({ id }) => id,
      item,
    )
  }
}

/** @param {Row} row */
function item({ id }) {
  const where = element('small')
  const made = element('li', {}, element('code', { title: id }, id), where)
  /** @param {Row} row */
  const update = ({ position, newest }) => {
    const behind = newest - position
    say(where, `at record ${count(position)}${behind > 0 ? `, ${count(behind)} behind` : ''}`)
    made.classList.toggle('behind', behind > 0)
  }
  return Object.assign(made, { update })
}
