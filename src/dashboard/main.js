/** Logs in, listens, and hands each snapshot to the panels. */
import { ask, forget, Refused, remember, snapshots, token } from './api.js'
import { byId, say } from './dom.js'
import { explainDialog } from './explain.js'
import { herd } from './herd.js'
import { History } from './history.js'
import { latency } from './latency.js'
import { nodes } from './nodes.js'
import { numbers } from './numbers.js'
import { origins } from './origins.js'
import { purge } from './purge.js'
import { requests } from './requests.js'
import { results } from './results.js'
import { themeSelect } from './theme.js'
import { tiers } from './tiers.js'

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 15_000
const NOT_THE_TOKEN = 'That is not the token.'
const NO_CONNECTION = 'No connection'
const PURGE_ONLY = 'purge-only'
const READ_ONLY = 'read-only'
const LIMITED = 'limited'
/** No other token could ever be sent. */
const TOKEN = /^[\x21-\x7e]+$/

const connection = byId('connection')
const windowSelect = byId('window', HTMLSelectElement)
const pause = byId('pause', HTMLButtonElement)
let isPaused = false
/** @type {ReturnType<typeof panels> | undefined} */
let show
/** Names of the extras that are mounted. @type {Set<string>} */
const mounted = new Set()

themeSelect(byId('theme', HTMLSelectElement))
byId('login-form').addEventListener('submit', (event) => {
  event.preventDefault()
  void logIn(byId('token', HTMLInputElement))
})
byId('leave').addEventListener('click', () => {
  forget()
  location.reload()
})

if (token() === null) showLogin('')
else void watch()

/** @param {string} why */
function showLogin(why) {
  byId('explain', HTMLDialogElement).close() // the rest of the page is inert while it is open
  byId('dashboard').hidden = true
  byId('login').hidden = false
  say(byId('login-said'), why)
  byId('token').focus()
}

/** @param {HTMLInputElement} input */
async function logIn(input) {
  const given = input.value.trim()
  if (!TOKEN.test(given)) return showLogin(NOT_THE_TOKEN)
  remember(given)
  try {
    await ask('v1/stats')
  } catch (error) {
    if (isForbidden(error)) return showPurgeOnly()
    forget()
    return showLogin(isUnauthorized(error) ? NOT_THE_TOKEN : errorMessage(error, 'Herdgate does not answer.'))
  }
  await watch()
}

function showDashboard() {
  byId('token', HTMLInputElement).value = ''
  byId('login').hidden = true
  byId('dashboard').hidden = false
  byId('dashboard').classList.remove(PURGE_ONLY, READ_ONLY, LIMITED)
  show ??= panels()
}

/** A token that may not read may purge. */
function showPurgeOnly() {
  showDashboard()
  byId('dashboard').classList.add(PURGE_ONLY, LIMITED)
  connected('Purges only', '')
  byId('purge-what').focus()
}

/** @param {string} rights */
function offerPurge(rights) {
  byId('dashboard').classList.toggle(READ_ONLY, !rights.includes('purge'))
  byId('dashboard').classList.toggle(LIMITED, !rights.includes('all'))
}

/** Of a tab that watches, the stream is refused as well. */
function purgeUnauthorized() {
  if (byId('dashboard').classList.contains(PURGE_ONLY)) endSession()
}

function endSession() {
  forget()
  showLogin('The token is no longer accepted.')
}

/** Watches until the tab is closed, or the token is refused. */
async function watch() {
  showDashboard()
  let retryMs = FIRST_RETRY_MS
  for (;;) {
    connected('Connecting', '')
    let why = NO_CONNECTION
    try {
      await extras()
      for await (const snapshot of snapshots(offerPurge)) {
        retryMs = FIRST_RETRY_MS
        connected('Live', 'good')
        show?.(snapshot)
      }
    } catch (error) {
      if (isUnauthorized(error)) return endSession()
      if (isForbidden(error)) return showPurgeOnly()
      why = errorMessage(error, why)
    }
    connected(why, 'bad')
    await new Promise((resolve) => setTimeout(resolve, retryMs))
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
  }
}

/** @param {unknown} error */
const isUnauthorized = (error) => error instanceof Refused && error.status === 401

/** @param {unknown} error */
const isForbidden = (error) => error instanceof Refused && error.status === 403

/** @param {unknown} error @param {string} silence what to say when there was no answer */
const errorMessage = (error, silence) => (error instanceof Refused ? error.message : silence)

/** @param {string} text @param {string} kind */
function connected(text, kind) {
  const paused = isPaused && text === 'Live'
  say(connection, paused ? 'Paused' : text)
  connection.className = `pill ${paused ? 'poor' : kind}`
}

/** Builds the panels. @returns a function that takes a snapshot */
function panels() {
  const history = new History()
  const views = [
    numbers(byId('numbers')),
    results(byId('results')),
    herd(byId('herd')),
    latency(byId('latency')),
    origins(byId('origins')),
    tiers(byId('tiers')),
    nodes(byId('nodes')),
    purge(byId('purge'), purgeUnauthorized),
  ]
  const explain = explainDialog(byId('explain', HTMLDialogElement))
  const list = requests(byId('requests'), (request) => void explain(request))
  const draw = () => {
    const view = history.view(Number(windowSelect.value))
    for (const each of views) each(view)
  }
  windowSelect.addEventListener('change', draw)
  pause.addEventListener('click', () => {
    isPaused = !isPaused
    pause.setAttribute('aria-pressed', String(isPaused))
  })

  /** @param {import('../live/live.ts').Snapshot} snapshot */
  return (snapshot) => {
    history.add(snapshot)
    list.add(snapshot.recent)
    if (isPaused || document.hidden) return
    draw()
    list.draw()
  }
}

/** Mounts what an installation adds, as the demo does; each once. */
async function extras() {
  const { body } = await ask('dashboard/panels.json')
  for (const name of /** @type {string[]} */ (body)) {
    if (mounted.has(name)) continue
    const module = await import(`./${name}`)
    await module.mount(byId('panels'))
    mounted.add(name)
  }
}
