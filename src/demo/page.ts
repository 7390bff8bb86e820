export interface DemoPage {
  readonly generatedAt: Date
  /** How often the slow API has been asked for this page. */
  readonly originHits: number
  readonly latencyMs: number
  readonly dashboard?: string | undefined
}

const RESOURCES: readonly (readonly [path: string, about: string])[] = [
  ['/products/42', 'fresh for 10 s, revalidated by ETag, tagged <code>product-42 products</code>'],
  ['/search?q=lamp', 'one copy per <code>Accept-Language</code>'],
  ['/report', 'about 2 MB over 3 s, readable by many while it arrives'],
  ['/swr', '<code>stale-while-revalidate</code>: slow once, then answered at once while it is fetched again'],
  ['/sie', '<code>stale-if-error</code>: survives the outage below'],
  ['/flaky', 'fails three times in ten'],
  ['/early-hints', '103 first, the answer later'],
  ['/account', 'sets a cookie: not shared'],
  ['/private', 'needs <code>Authorization</code>: not shared'],
  ['/no-store', 'always asked from the API'],
]

/** The page a browser sees first: it is itself slow once and fast after, and says so. Loads nothing from elsewhere. */
export function demoPage({ generatedAt, originHits, latencyMs, dashboard }: DemoPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Herdgate demo</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Slow once, fast after</h1>
<p class="lead">A slow API made this page, and took ${latencyMs} ms for it. It keeps no copy. Herdgate does.</p>
${dashboard === undefined ? '' : `<p><a href="${dashboard}">Watch it on the dashboard</a> <small>The terminal shows the token it asks for.</small></p>`}
<dl>
<div><dt>This page took you</dt><dd id="took">…</dd></div>
<div><dt>Made by the API</dt><dd><time id="made" datetime="${generatedAt.toISOString()}">${generatedAt.toISOString().slice(11, 19)} UTC</time></dd></div>
<div><dt>Asked of the API</dt><dd>${originHits} ${originHits === 1 ? 'time' : 'times'}</dd></div>
</dl>
<p><a class="button" href="/">Open this page again</a>
<small>A browser's reload button asks every cache on the way for a new copy, so use this link.</small></p>

<h2>Resources</h2>
<div class="scroll"><table>
<thead><tr><th scope="col">Resource</th><th scope="col">Took</th><th scope="col">Cache-Status</th><th scope="col"><span class="hidden">Action</span></th></tr></thead>
<tbody>
${RESOURCES.map(row).join('\n')}
</tbody>
</table></div>

<h2>Herd</h2>
<p>Twenty-four requests for something nobody has asked for yet: the API is asked once.</p>
<p><button type="button" id="herd">Send 24 requests</button> <output id="herd-said" for="herd"></output></p>

<h2>Outage</h2>
<p>Fetch <code>/sie</code>, wait for its two seconds to pass, break the API, and fetch it again.</p>
<p><button type="button" id="break">Break the API</button> <button type="button" id="mend">Mend it</button>
<output id="outage-said" for="break mend"></output></p>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`
}

const row = ([path, about]: readonly [string, string]): string =>
  `<tr data-path="${path}"><th scope="row"><a href="${path}">${path}</a><small>${about}</small></th>` +
  '<td class="took">–</td><td class="status">–</td><td><button type="button">Fetch</button></td></tr>'

const STYLE = `
:root { --ink: #1c2430; --soft: #5a6675; --line: #dde2e8; --back: #f7f8fa; --card: #fff; --accent: #0b62d6; --fast: #0a7a43; --slow: #a65a00 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaf0; --soft: #9aa6b5; --line: #2c3542; --back: #12161c; --card: #1a2029; --accent: #6cabff; --fast: #52d394; --slow: #f3b04f }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
h1 { margin: 0; font-size: 2.2rem; letter-spacing: -.02em }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem }
.lead, small { color: var(--soft) }
dl { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0 }
dl div { flex: 1 1 11rem; padding: .8rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem }
dt { color: var(--soft); font-size: .85rem }
dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums }
a { color: var(--accent) }
.button, button { display: inline-block; padding: .4rem .9rem; border: 1px solid var(--accent); border-radius: .5rem; background: transparent; color: var(--accent); font: inherit; text-decoration: none; cursor: pointer }
.button { background: var(--accent); color: var(--back); margin-right: .5rem }
button:disabled { opacity: .5; cursor: progress }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .6rem }
table { width: 100%; border-collapse: collapse }
th, td { padding: .55rem .9rem; text-align: left; border-top: 1px solid var(--line); font-weight: normal }
thead th { border-top: 0; color: var(--soft); font-size: .85rem }
th small { display: block }
.took { white-space: nowrap; font-variant-numeric: tabular-nums }
.status, code { font: .85rem ui-monospace, monospace }
.fast { color: var(--fast) }
.slow { color: var(--slow) }
@media (max-width: 40rem) {
  thead { display: none }
  tr { display: grid; grid-template-columns: auto 1fr auto; align-items: center; border-top: 1px solid var(--line) }
  tr:first-child { border-top: 0 }
  th, td { border: 0 }
  th { grid-column: 1 / 3; padding-bottom: 0 }
  td:last-child { grid-area: 1 / 3 }
  .status { grid-column: 2 / 4; padding-left: 0 }
}
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
`

// The field values below are not directives: they only keep fetch() from adding "no-cache", which it does to
// requests that bypass the browser's own cache, and which would make Herdgate ask the API.
const SCRIPT = `
const show = (cell, ms) => {
  cell.textContent = Math.round(ms) + ' ms'
  cell.className = 'took ' + (ms < 100 ? 'fast' : 'slow')
}
const ask = async (path, init) => {
  const began = performance.now()
  const response = await fetch(path, { cache: 'no-store', headers: { 'Cache-Control': 'demo', Pragma: 'demo' }, ...init })
  const text = await response.text()
  return { response, text, ms: performance.now() - began }
}
const [visit] = performance.getEntriesByType('navigation')
if (visit) show(document.getElementById('took'), visit.responseStart - visit.requestStart)
const made = document.getElementById('made')
made.textContent = new Date(made.dateTime).toLocaleTimeString()

for (const row of document.querySelectorAll('tr[data-path]')) {
  const button = row.querySelector('button')
  button.addEventListener('click', async () => {
    button.disabled = true
    try {
      const { response, ms } = await ask(row.dataset.path)
      show(row.querySelector('.took'), ms)
      row.querySelector('.status').textContent = (response.ok ? '' : response.status + ' ') + (response.headers.get('Cache-Status') ?? 'no cache')
    } catch {
      row.querySelector('.status').textContent = 'no answer'
    }
    button.disabled = false
  })
}

const herd = document.getElementById('herd')
herd.addEventListener('click', async () => {
  herd.disabled = true
  const path = '/products/' + (1000 + Math.floor(Math.random() * 900000))
  const began = performance.now()
  const status = document.getElementById('herd-said')
  try {
    await Promise.all(Array.from({ length: 24 }, () => ask(path)))
    const ms = Math.round(performance.now() - began)
    const { text } = await ask('/__stats')
    status.textContent = '24 answers in ' + ms + ' ms. Asked of the API: ' + (JSON.parse(text).paths[path] ?? 'unknown') + '.'
  } catch {
    status.textContent = 'no answer'
  }
  herd.disabled = false
})

const outage = (id, outage, words) => document.getElementById(id).addEventListener('click', async () => {
  const status = document.getElementById('outage-said')
  try {
    await ask('/__control', { method: 'POST', body: JSON.stringify({ outage }) })
    status.textContent = words
  } catch {
    status.textContent = 'no answer'
  }
})
outage('break', 'refuse', 'The API resets every connection now.')
outage('mend', 'none', 'The API answers again.')
`
