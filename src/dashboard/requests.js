/** Recent requests, and why each was answered as it was. */
import { byId, element, keyed, say } from './dom.js'
import { bytes, ms, time } from './format.js'
import { reason, RESULTS, words } from './reason.js'

/** @typedef {import('../live/live.ts').LiveRequest} LiveRequest */
/** @typedef {LiveRequest & { number: number }} Row */

const MAX_ROWS = 50
/** How much later than the others one of several workers may report a request, in ms. */
const LATE_MS = 3000

/** @param {HTMLElement} parent @param {(request: LiveRequest) => void} onPick */
export function requests(parent, onPick) {
  const body = element('tbody')
  const heads = ['Time', 'Request', 'Status', 'Result', 'Why', 'First byte', 'Size']
  const columns = heads.map((name) => element('th', { scope: 'col' }, name))
  const table = element('table', { className: 'requests' }, element('thead', {}, element('tr', {}, ...columns)), body)
  const filter = resultFilter(() => fill())
  byId('requests-filter').append(filter)
  parent.append(element('div', { className: 'scroll' }, table))

  /** @type {Row[]} */
  let kept = []
  let number = 0
  /** Rows do not move while the pointer or the focus is on one. */
  const held = () => body.matches(':hover') || body.contains(document.activeElement)
  const status = byId('requests-said')

  function fill() {
    const only = filter.value
    const shown = kept.filter(({ outcome }) => only === '' || outcome.result === only).slice(0, MAX_ROWS)
    keyed(
      body,
      shown,
      (row) => String(row.number),
      (row) => rowOf(row, onPick),
    )
    const [first] = body.querySelectorAll('button')
    if (first && !body.querySelector('button[tabindex="0"]')) first.tabIndex = 0
  }

  body.addEventListener('keydown', (event) => move(event, [...body.querySelectorAll('button')]))

  return {
    /**
     * Also while the page is hidden: it shows what was done in another tab when one comes back.
     * @param {readonly LiveRequest[]} recent
     */
    add(recent) {
      const rows = recent.map((request) => ({ ...request, number: number++ }))
      kept = newestFirst(rows, kept).slice(0, MAX_ROWS * 4)
    },
    draw() {
      const isHeld = held()
      const hint = kept.length === 0 ? 'none since this page was opened' : 'newest first; select one to see why'
      say(status, isHeld ? 'on hold while you are in the list' : hint)
      if (!isHeld) fill()
    },
  }
}

/**
 * Rows from before a clock was set back go: they would be above all later ones until it has caught up.
 * @template {{ at: number }} R
 * @param {readonly R[]} added in the order they were answered
 * @param {readonly R[]} kept
 */
export function newestFirst(added, kept) {
  const latest = Math.max(...added.map(({ at }) => at))
  const before = added.length === 0 ? kept : kept.filter(({ at }) => at <= latest + LATE_MS)
  return [...added.toReversed(), ...before].sort((one, other) => other.at - one.at)
}

/** @param {() => void} onChange */
function resultFilter(onChange) {
  const options = ['', ...RESULTS]
  const made = element(
    'select',
    { className: 'filter', 'aria-label': 'Results shown' },
    ...options.map((value) => element('option', { value }, value === '' ? 'All results' : words(value))),
  )
  made.addEventListener('change', onChange)
  return made
}

/** @param {Row} request @param {(request: LiveRequest) => void} onPick */
function rowOf(request, onPick) {
  const { at, method, url, status, outcome, firstByteMs, bytes: size, aborted } = request
  const button = element(
    'button',
    { type: 'button', className: 'link', tabIndex: -1, title: url },
    element('span', { className: 'method' }, method),
    ` ${url === '' ? '(unreadable)' : url.replace(/^https?:\/\//, '')}`,
  )
  button.addEventListener('click', () => onPick(request))
  const badge = element(
    'span',
    { className: `badge result ${outcome.result.replaceAll('_', '-')}` },
    words(outcome.result),
  )
  return element(
    'tr',
    {},
    element('td', { className: 'time' }, time(at)),
    element('td', { className: 'what' }, button),
    element('td', { className: 'status' }, String(status)),
    element('td', { className: 'result' }, badge),
    element('td', { className: 'why' }, reason(outcome)),
    element('td', { className: 'took' }, ms(firstByteMs)),
    element('td', { className: 'size' }, aborted ? `${bytes(size)}, aborted` : bytes(size)),
  )
}

/** Arrows go from row to row: the table is one stop for the Tab key. @param {KeyboardEvent} event @param {HTMLButtonElement[]} buttons */
function move(event, buttons) {
  const at = buttons.findIndex((button) => button === document.activeElement)
  /** @type {Readonly<Record<string, number>>} */
  const targets = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }
  const next = buttons[targets[event.key] ?? -1]
  if (next === undefined || at === -1) return
  event.preventDefault()
  for (const button of buttons) button.tabIndex = -1
  next.tabIndex = 0
  next.focus()
}
