/** Purging and invalidating, and which nodes have acknowledged it. */
import { ask, Refused } from './api.js'
import { element, keyed, say } from './dom.js'
import { count, ms } from './format.js'

/** @typedef {import('./history.js').View} View */
/** @typedef {{ id: string, position: number, nodes: { expected: number, acked: number }, tookMs: number }} Receipt */

const KINDS = /** @type {const} */ ({ tags: 'Tag', urls: 'URL', prefixes: 'Prefix', all: 'Everything' })
/** Placeholders of the field, by kind. @type {Readonly<Record<string, string>>} */
const EXAMPLES = { tags: 'products', urls: 'https://shop.example/p/1', prefixes: 'https://shop.example/p' }

/** @param {HTMLElement} parent @param {() => void} onUnauthorized called when the token is not accepted */
export function purge(parent, onUnauthorized) {
  const { form, kind, what, soft, hard } = purgeForm()
  const hint = element('small', {}, 'Invalidate: revalidated before its next use. Purge: never served again.')
  const status = element('p', { className: 'said', role: 'status' })
  const acks = element('ul', { className: 'rows scroll acks' })
  parent.append(form, hint, status, acks)

  /** The receipt of the last record made here. @type {Receipt | undefined} */
  let receipt

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const verb = event.submitter === hard ? 'purge' : 'invalidate'
    if (verb === 'purge' && kind.value === 'all' && !confirm('Purge everything that is stored?')) return
    void send(verb)
  })

  /** @param {'purge' | 'invalidate'} verb */
  async function send(verb) {
    const body = kind.value === 'all' ? { all: true } : { [kind.value]: [what.value.trim()] }
    soft.disabled = hard.disabled = true
    say(status, 'Sent …')
    status.className = 'said'
    try {
      const answer = await ask(`v1/${verb}`, body)
      receipt = /** @type {Receipt} */ (answer.body)
      const { position, nodes, tookMs } = receipt
      const everywhere = nodes.acked >= nodes.expected
      say(
        status,
        `Record ${position}: acknowledged by ${count(nodes.acked)} of ${count(nodes.expected)} nodes within ${ms(tookMs + 1)}.`,
      )
      status.className = `said ${everywhere ? 'good' : 'poor'}`
      what.value = ''
    } catch (error) {
      receipt = undefined
      say(status, whyNot(error))
      status.className = 'said bad'
      if (error instanceof Refused && error.status === 401) onUnauthorized()
    }
    soft.disabled = hard.disabled = false
  }

  /** Each node's acknowledgement, as snapshots report it. @param {View} view */
  return (view) => {
    const rows = receipt === undefined ? [] : (view.last?.stats.nodes ?? [])
    keyed(
      acks,
      rows,
      ({ id }) => id,
      ({ id }) => ackRow(id, (position) => position >= (receipt?.position ?? 0)),
    )
  }
}

/** @param {unknown} error */
function whyNot(error) {
  if (!(error instanceof Refused)) return 'No answer: nothing is certain to have been purged.'
  return error.status === 403 ? 'This token may not do that: nothing was done.' : error.message
}

/** The form, and what in it is read or changed later. */
function purgeForm() {
  const kind = element(
    'select',
    { id: 'purge-kind' },
    ...Object.entries(KINDS).map(([value, name]) => element('option', { value }, name)),
  )
  const what = element('input', {
    id: 'purge-what',
    type: 'text',
    required: true,
    spellcheck: false,
    autocomplete: 'off',
  })
  const soft = element(
    'button',
    { type: 'submit', value: 'invalidate', title: 'Revalidate before the next use' },
    'Invalidate',
  )
  const hard = element(
    'button',
    { type: 'submit', value: 'purge', className: 'danger', title: 'Never serve it again' },
    'Purge',
  )
  const form = element(
    'form',
    { className: 'purge' },
    element('label', { className: 'visually-hidden', htmlFor: 'purge-kind' }, 'Select by'),
    kind,
    element('label', { className: 'visually-hidden', htmlFor: 'purge-what' }, 'Tag or URL'),
    what,
    element('div', { className: 'buttons' }, soft, hard),
  )
  const change = () => {
    const all = kind.value === 'all'
    what.disabled = all
    what.placeholder = all ? '' : (EXAMPLES[kind.value] ?? '')
  }
  kind.addEventListener('change', change)
  change()
  return { form, kind, what, soft, hard }
}

/**
 * A node, and whether it has acknowledged the record.
 * @param {string} id
 * @param {(position: number) => boolean} follows
 */
function ackRow(id, follows) {
  const mark = element('span', { className: 'badge' })
  const row = element('li', {}, element('code', { title: id }, id), mark)
  /** @param {{ position: number }} node */
  const update = ({ position }) => {
    const hasAcknowledged = follows(position)
    say(mark, hasAcknowledged ? 'acknowledged' : 'not yet')
    mark.className = `badge ${hasAcknowledged ? 'good' : 'poor'}`
  }
  return Object.assign(row, { update })
}
