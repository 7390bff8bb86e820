/** What happened to a request, and what would happen to the same request now. */
import { ask, Refused } from './api.js'
import { element } from './dom.js'
import { bytes, duration, ms, time } from './format.js'
import { reason, words } from './reason.js'

/** @typedef {import('../live/live.ts').LiveRequest} LiveRequest */
/** @typedef {import('../cache/http/explain.ts').Explanation} Explanation */

/** @param {HTMLDialogElement} dialog */
export function explainDialog(dialog) {
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close() // the backdrop
  })

  /** @param {LiveRequest} request */
  return async (request) => {
    const now = element('div', { 'aria-live': 'polite' }, element('p', { className: 'soft' }, 'Asking …'))
    const close = element('button', { type: 'submit', className: 'primary' }, 'Close')
    dialog.replaceChildren(
      // With the focus on the first button, a dialog higher than the window would open at its end.
      element('h2', { id: 'explain-title', tabIndex: -1, autofocus: true }, `${request.method} ${request.url}`),
      element('h3', {}, 'Then'),
      facts(eventFacts(request)),
      element('h3', {}, 'Now ', element('small', {}, 'for the same URL without request fields')),
      now,
      element('form', { method: 'dialog' }, close),
    )
    if (!dialog.open) dialog.showModal()
    now.replaceChildren(await present(request))
  }
}

/** @param {LiveRequest} request @returns {Promise<HTMLElement>} */
async function present({ method, url, cut }) {
  if (url === '' || cut) return element('p', {}, 'Its URL cannot be explained: it was too long, or could not be read.')
  try {
    const { body } = await ask(`v1/explain?${new URLSearchParams({ url, method })}`)
    return facts(explainedFacts(body))
  } catch (error) {
    return element('p', { className: 'said bad' }, error instanceof Refused ? error.message : 'No answer.')
  }
}

/** @typedef {[name: string, value: string | undefined]} Fact */

/** @param {LiveRequest} request @returns {Fact[]} */
function eventFacts({ at, status, outcome, firstByteMs, totalMs, bytes: size, route }) {
  const { originMs } = outcome
  return [
    ['When', time(at)],
    ['Result', `${words(outcome.result)}: ${reason(outcome)}`],
    ['Status', String(status)],
    ['Route', route || 'none'],
    ['First byte', ms(firstByteMs)],
    ['Last byte', `${ms(totalMs)}, ${bytes(size)}`],
    ['Origin', originMs === undefined ? undefined : `answered after ${ms(originMs)}`],
  ]
}

/** @param {Explanation} explanation @returns {Fact[]} */
function explainedFacts({ decision, why, key, variant, stored }) {
  return [
    ['Decision', `${decision}: ${why}`],
    ['Key', key],
    ['Variant', variant],
    ...(stored === undefined ? [/** @type {Fact} */ (['Stored', 'nothing'])] : storedFacts(stored)),
  ]
}

/** @param {NonNullable<Explanation['stored']>} stored @returns {Fact[]} */
function storedFacts({ tier, status, bytes: size, tags, variesOn, verdict, position, logPosition, freshness }) {
  const { age, lifetime, ttl } = freshness
  return [
    ['Stored', `in ${tier}: ${status}, ${bytes(size)}, ${verdict}`],
    ['Fresh', `${remaining(ttl)} (age ${span(age)}, lifetime ${span(lifetime)})`],
    ['Stale use', staleUse(freshness)],
    ['Tags', tags.join(' ') || 'none'],
    ['Varies on', variesOn.join(', ') || undefined],
    ['Log', `fetched at record ${position}, now ${logPosition}`],
  ]
}

/** @param {NonNullable<Explanation['stored']>['freshness']} freshness */
function staleUse({ ttl, staleWhileRevalidateFor, staleIfErrorFor, mustRevalidate }) {
  if (mustRevalidate) return 'never'
  /** @type {[when: string, seconds: number | null][]} */
  const windows = [
    ['while it is refreshed', staleWhileRevalidateFor],
    ['on errors', staleIfErrorFor],
  ]
  const open = windows.filter(([, seconds]) => seconds === null || seconds > Math.max(ttl, 0))
  return open.map(([when, seconds]) => `${when}: ${remaining(seconds)}`).join('; ') || 'none'
}

/** @param {number | null} seconds null stands for unlimited */
const span = (seconds) => (seconds === null ? 'unlimited' : duration(seconds * 1000))

/** @param {number | null} seconds */
function remaining(seconds) {
  if (seconds === null) return 'unlimited'
  return seconds > 0 ? `for another ${span(seconds)}` : `expired ${span(-seconds)} ago`
}

/** @param {Fact[]} list */
function facts(list) {
  const made = element('dl')
  for (const [name, value] of list) {
    if (value !== undefined) made.append(element('dt', {}, name), element('dd', {}, value))
  }
  return made
}
