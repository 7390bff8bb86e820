/** In the demo: the slow API's switches, visitors and a herd. Loaded where the admin port has /v1/demo. */
import { ask } from './api.js'
import { element, say } from './dom.js'
import { ms } from './format.js'

/** The slow API may have been told never to answer. */
const HERD_MS = 60_000

/** @typedef {{ latencyMs: number, outage: string, errorRate: number, perSecond: number }} Setting */

const OUTAGES = { none: 'works', refuse: 'resets connections', hang: 'never answers', error: 'answers 503' }

/** @param {HTMLElement} parent @returns {Promise<void>} */
export async function mount(parent) {
  const set = /** @type {Setting} */ ((await ask('v1/demo')).body)
  const status = element('output', { className: 'said' })
  /** @param {string} path @param {object} body */
  const change = (path, body) =>
    ask(`v1/demo/${path}`, body).catch((error) => {
      say(status, `Failed: ${error.message}`)
      throw error
    })

  const controls = element(
    'div',
    { className: 'switches' },
    slider(
      'Visitors',
      { max: 100, step: 5, value: set.perSecond },
      (value) => (value === 0 ? 'none' : `${value}/s`),
      (value) => change('traffic', { perSecond: value }),
    ),
    slider('Latency', { max: 3000, step: 50, value: set.latencyMs }, ms, (latencyMs) =>
      change('control', { latencyMs }),
    ),
    slider(
      'Errors',
      { max: 100, step: 5, value: set.errorRate * 100 },
      (value) => `${value} %`,
      (value) => change('control', { errorRate: value / 100 }),
    ),
    outage(set.outage, (value) => change('control', { outage: value })),
    herd(status),
  )
  const title = element('h2', { id: 'demo-title' }, 'The slow API ', element('small', {}, 'yours to break'))
  parent.append(
    element('section', { className: 'card demo', 'aria-labelledby': 'demo-title' }, title, controls, status),
  )
}

/**
 * @param {string} name
 * @param {{ max: number, step: number, value: number }} range
 * @param {(value: number) => string} format
 * @param {(value: number) => Promise<unknown>} apply
 */
function slider(name, { max, step, value }, format, apply) {
  const id = `demo-${name.toLowerCase()}`
  const input = element('input', {
    id,
    type: 'range',
    min: '0',
    max: String(max),
    step: String(step),
    value: String(value),
  })
  const shown = element('output', { htmlFor: id }, format(value))
  input.addEventListener('input', () => {
    say(shown, format(input.valueAsNumber))
    input.setAttribute('aria-valuetext', format(input.valueAsNumber))
  })
  input.addEventListener('change', () => void apply(input.valueAsNumber).catch(() => {}))
  return element('div', {}, element('label', { htmlFor: id }, name, ' ', shown), input)
}

/** @param {string} set @param {(value: string) => Promise<unknown>} apply */
function outage(set, apply) {
  const options = Object.entries(OUTAGES).map(([value, text]) => element('option', { value }, text))
  const select = element('select', { id: 'demo-outage' }, ...options)
  select.value = set
  select.addEventListener('change', () => void apply(select.value).catch(() => {}))
  return element('div', {}, element('label', { htmlFor: 'demo-outage' }, 'Outage'), select)
}

/** @param {HTMLElement} status */
function herd(status) {
  const button = element('button', { type: 'button', className: 'primary', id: 'demo-herd' }, 'Send a herd')
  const send = async () => {
    button.disabled = true
    say(status, 'A hundred clients request the same new resource …')
    try {
      const { clients, answered, tookMs, originRequests } = (await ask('v1/demo/herd', {}, HERD_MS)).body
      const times = originRequests === 1 ? 'once' : `${originRequests} times`
      say(status, `${clients} clients, ${answered} answered within ${ms(tookMs)}; the API was asked ${times}.`)
    } catch {
      say(status, 'No answer.')
    }
    button.disabled = false
  }
  button.addEventListener('click', () => void send())
  return button
}
