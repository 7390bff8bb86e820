/** What each tier holds, and what was evicted from it. */
import { element, keyed, say } from './dom.js'
import { bytes, count, percent } from './format.js'
import { words } from './reason.js'

/** @typedef {import('./history.js').View} View */
/** @typedef {import('../live/live.ts').Snapshot} Snapshot */
/** @typedef {Snapshot['stats']['tiers'][number] & { left: string }} Row */

/** @param {HTMLElement} parent */
export function tiers(parent) {
  const list = element('ul', { className: 'rows' })
  parent.append(list)

  /** @param {View} view */
  return (view) => {
    if (view.last === undefined) return
    const rows = view.last.stats.tiers.map((tier) => ({ ...tier, left: leftIn(view, tier.tier) }))
    keyed(list, rows, ({ tier }) => tier, item)
  }
}

/** Evictions within the time shown, by reason. @param {View} view @param {string} name */
function leftIn(view, name) {
  /** @type {Map<string, number>} */
  const reasons = new Map()
  for (const row of view.rows) {
    for (const { tier, reason, count: many } of row?.evictions ?? []) {
      if (tier === name) reasons.set(reason, (reasons.get(reason) ?? 0) + many)
    }
  }
  const parts = [...reasons].map(([reason, many]) => `${count(many)} ${words(reason)}`)
  return parts.length === 0 ? 'no evictions' : `evicted: ${parts.join(', ')}`
}

/** @param {Row} row */
function item({ tier }) {
  const state = element('span', { className: 'badge' })
  const amount = element('small')
  const left = element('small')
  const meter = element('meter', { min: 0, max: 1, 'aria-label': `Usage of ${tier}` })
  const made = element('li', {}, element('b', {}, tier), state, amount, meter, left)
  /** @param {Row} row */
  const update = (row) => {
    const filled = row.maxBytes > 0 ? row.bytes / row.maxBytes : 0
    say(state, row.degraded ? 'out of order' : 'works')
    state.className = `badge ${row.degraded ? 'bad' : 'good'}`
    const share = row.maxBytes > 0 ? ` of ${bytes(row.maxBytes)} (${percent(filled)})` : ''
    say(amount, `${count(row.objects)} stored, ${bytes(row.bytes)}${share}`)
    meter.value = filled
    say(left, row.left)
  }
  return Object.assign(made, { update })
}
