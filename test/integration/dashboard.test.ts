import { mkdir, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { events } from '../../src/dashboard/api.js'
import { runDemo } from '../../src/demo/run.ts'
import type { Snapshot } from '../../src/live/live.ts'
import { INSTALL_MS, launchChromium } from '../support/chromium.ts'
import { type Herdgate, startHerdgate, TOKEN } from '../support/herdgate.ts'
import { temporaryFolder } from '../support/folder.ts'
import {
  background,
  brightness,
  focused,
  kept,
  offeredBy,
  overlap,
  pointsOf,
  scrolledBy,
  scrollWidth,
  sticksOut,
  storageIsRefused,
  streamsCannotBeIterated,
} from '../support/in-page.js'
import { get, type Origin, startOrigin } from '../support/http.ts'
import { until } from '../support/waiting.ts'

const SLOW_MS = 800
const ANOTHER_TOKEN = 'another-token-for-tests'
const WAIT_MS = 60_000

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
}, INSTALL_MS)
afterAll(() => browser?.close())

/** Errors and warnings of the page, and its requests to other hosts: both must stay empty. */
let complaints: string[]
let strangers: string[]
const pages: Page[] = []
beforeEach(() => {
  complaints = []
  strangers = []
})
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.context().close()))
})

async function visit(admin: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light', ...options })
  pages.push(page)
  page.setDefaultTimeout(WAIT_MS)
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(`${admin}/`)) strangers.push(request.url())
  })
  await page.goto(`${admin}/dashboard`)
  return page
}

async function logIn(page: Page, token: string): Promise<void> {
  await page.fill('#token', token)
  await page.keyboard.press('Enter')
}

const live = (page: Page) => page.locator('#connection', { hasText: 'Live' }).waitFor()

const points = (page: Page, plot: string, color: string) => page.evaluate(pointsOf, [plot, color] as const)

const drawn = (page: Page, plot: string, name: string) =>
  until(async () => (await points(page, plot, name)) > 20, `${name} in ${plot}`, WAIT_MS)

const label = (page: Page, plot: string) => page.locator(`${plot} [role=img]`).getAttribute('aria-label')

/** Saves a screenshot in the folder SCREENSHOTS, if that is set. */
async function look(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS']
  if (folder === undefined) return
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

describe('the dashboard', () => {
  let origin: Origin
  let herdgate: Herdgate
  const held: (() => void)[] = []

  beforeAll(async () => {
    origin = await startOrigin((request, response) => {
      const answer = () => {
        response.writeHead(200, { 'cache-control': 'max-age=600', 'surrogate-key': 'products' })
        response.end('content')
      }
      if (request.url === '/herd') held.push(answer)
      else setTimeout(answer, request.url?.startsWith('/slow') ? SLOW_MS : 0)
    })
    herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'warn'])
  })
  afterAll(async () => {
    await herdgate?.stop()
    await origin?.kill()
  })

  const ask = async (path: string, times = 1) => {
    const answers = await Promise.all(Array.from({ length: times }, () => get(herdgate.url + path)))
    return answers.map(({ cacheStatus }) => cacheStatus)
  }

  test.each(['wrong', 'no “token”'])('a wrong token is refused and not kept: %s', async (wrong) => {
    const page = await visit(herdgate.admin)
    await logIn(page, wrong)
    await page.locator('#login-said', { hasText: 'not the token' }).waitFor()
    expect(await page.locator('#dashboard').isVisible()).toBe(false)
    expect(await page.evaluate(kept)).toBe(0)
  })

  test('traffic moves the plots, without errors or requests to other hosts', async () => {
    const page = await visit(herdgate.admin)
    await logIn(page, TOKEN)
    await live(page)
    expect(page.url()).toBe(`${herdgate.admin}/dashboard`)
    await until(async () => (await label(page, '#results')) !== null, 'a first snapshot')
    expect(await points(page, '#results', 'hit')).toBe(0)

    await ask('/a')
    expect(await ask('/a', 30)).toContainEqual(expect.stringContaining('hit'))
    await drawn(page, '#results', 'hit')
    await drawn(page, '#latency', 'hit')
    expect(await page.locator('#numbers .tile', { hasText: 'Hit ratio' }).locator('.value').textContent()).toMatch(
      /\d %/,
    )

    const herded = ask('/herd', 40)
    const herd = async () => (await label(page, '#herd'))?.match(/\d+/g)?.map(Number) ?? []
    await until(async () => ((await herd())[0] ?? 0) > 10 && held.length > 0, 'a herd that waits', WAIT_MS)
    expect((await herd())[1]).toBe(1) // fetch
    for (const answer of held) answer()
    await herded
    await drawn(page, '#herd', 'collapsed')
    await drawn(page, '#latency', 'miss')
    expect(await page.locator('#origins').textContent()).toContain('default')
    expect(await page.locator('#tiers').textContent()).toMatch(/memory.*stored/)
    await look(page, 'light-1280')
    expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] })
  })

  test('a gateway may serve it below a path', async () => {
    const gateway = await startOrigin((received, response) => {
      const { method, headers, url = '' } = received
      const sent = http.request(herdgate.admin + url.replace(/^\/below(?=\/)/, ''), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
      response.once('close', () => sent.destroy())
      received.pipe(sent.on('error', () => response.destroy()))
    })
    const page = await visit(`${gateway.url}/below`)
    await logIn(page, TOKEN)
    await live(page)
    await page.fill('#purge-what', 'products')
    await page.getByRole('button', { name: 'Purge', exact: true }).click()
    await page.locator('#purge .said.good').waitFor()
    await page.close()
    await gateway.kill()
    expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] })
  })

  test('an origin that is asked only now and then has its time drawn all the same', async () => {
    const page = await visit(herdgate.admin)
    await logIn(page, TOKEN)
    await live(page)
    await until(async () => (await label(page, '#origins')) !== null, 'a first snapshot')
    await ask('/slow/now-and-then')
    await drawn(page, '#origins', 'miss')
  })

  test('a purge is made, reported, and acknowledged by every node', async () => {
    const page = await visit(herdgate.admin)
    await logIn(page, TOKEN)
    await live(page)
    await ask('/p')
    expect(await ask('/p')).toEqual([expect.stringContaining('hit')])

    await page.fill('#purge-what', 'products')
    await page.getByRole('button', { name: 'Purge', exact: true }).click()
    const said = page.locator('#purge .said')
    await page.locator('#purge .said.good').waitFor()
    expect(await said.textContent()).toMatch(/^Record \d+: acknowledged by 1 of 1 nodes/)
    await page.locator('#purge .acks', { hasText: 'acknowledged' }).waitFor()
    expect(await ask('/p')).toEqual([expect.stringContaining('fwd=uri-miss')])

    await page.fill('#purge-what', 'products')
    await page.getByRole('button', { name: 'Invalidate' }).click()
    await until(async () => (await ask('/p')).every((status) => status.includes('fwd=stale')), 'revalidated')

    await page.selectOption('#purge-kind', 'urls')
    await page.fill('#purge-what', '/no-absolute-url')
    const before = await said.textContent()
    await page.keyboard.press('Enter')
    await until(
      async () => (await said.textContent()) !== before && (await said.getAttribute('class')) === 'said bad',
      'the status is shown',
    )
    expect(complaints).toEqual([expect.stringContaining('400')]) // from the browser, as intended
    expect(strangers).toEqual([])
  })

  test('a request says why it was a hit or a miss, and the keyboard opens its explanation', async () => {
    const page = await visit(herdgate.admin)
    await logIn(page, TOKEN)
    await live(page)
    await ask('/why?x=1')
    await ask('/why?x=2')
    const rows = page.locator('.requests tbody button')
    await page.locator('.requests tbody tr', { hasText: '/why?x=2' }).waitFor()
    const row = page.locator('.requests tbody tr', { hasText: '/why?x=1' })
    expect(await row.textContent()).toMatch(/200.*miss.*nothing was stored for it; stored now/)

    await rows.first().focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    const dialog = page.locator('#explain')
    await dialog.locator('dd', { hasText: 'serve: fresh' }).waitFor()
    expect(await dialog.textContent()).toMatch(/GET http:.*\/why\?x=1.*Stale useon errors: for another.*Tags.*products/)
    await page.keyboard.press('Escape')
    expect(await dialog.isVisible()).toBe(false)
    expect(await page.evaluate(focused)).toBe('link')

    await page.selectOption('.filter', 'error')
    await until(async () => (await rows.count()) === 0, 'none of them is an error')
    expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] })
  })

  test('a long URL takes at most three lines of the list, and is whole in its explanation', async () => {
    const page = await visit(herdgate.admin)
    await logIn(page, TOKEN)
    await live(page)
    const path = `/${'long/'.repeat(300)}end`
    await ask(path)
    const row = page.locator('.requests tbody button', { hasText: '/long/' })
    await row.waitFor()
    expect((await row.boundingBox())?.height).toBeLessThan(80)
    await row.click()
    await page.locator('#explain h2', { hasText: path }).waitFor()
  })

  test('an explanation higher than the window opens at its beginning', async () => {
    const page = await visit(herdgate.admin, { viewport: { width: 400, height: 500 } })
    await logIn(page, TOKEN)
    await live(page)
    await ask(`/${'high/'.repeat(100)}`)
    await page.locator('.requests tbody button', { hasText: '/high/' }).click()
    await page.locator('#explain dd', { hasText: 'serve: fresh' }).waitFor()
    expect(await page.evaluate(scrolledBy, '#explain')).toBe(0)
  })

  test('the newest request is first in the list, whichever worker reported first', async () => {
    const page = await visit(herdgate.admin)
    const snapshot = await aSnapshot()
    const at = (path: string, second: number) => ({
      ...snapshot.recent[0],
      url: `http://a.example${path}`,
      at: second * 1000,
    })
    const told = [
      [at('/4', 4), at('/5', 5)],
      [at('/2', 2), at('/3', 3)],
    ]
    const streamed = told.map((recent) => `data: ${JSON.stringify({ ...snapshot, recent })}\n\n`)
    await page.route('**/v1/live', (route) => route.fulfill({ body: streamed.join('') }), { times: 1 })
    await logIn(page, TOKEN)
    await page.locator('.requests tbody tr', { hasText: '/2' }).waitFor()
    const rows = await page.locator('.requests tbody .what').allTextContents()
    expect(rows.filter((row) => row.includes('a.example'))).toEqual(
      ['/5', '/4', '/3', '/2'].map((path) => `GET a.example${path}`),
    )
  })

  /** A snapshot with at least one request. */
  async function aSnapshot(): Promise<Snapshot> {
    const { body } = await fetch(`${herdgate.admin}/v1/live`, { headers: { authorization: `Bearer ${TOKEN}` } })
    if (body === null) throw new Error('there are none')
    // At once: fetch cancels a body that nothing reads when its Response is garbage-collected.
    const told = body.pipeThrough(new TextDecoderStream())
    await ask('/told')
    for await (const snapshot of events(told)) {
      if (snapshot.recent.length > 0) return snapshot
    }
    throw new Error('there was none')
  }

  test('requests made while it is paused are listed when it resumes', async () => {
    const [paused, watching] = [await visit(herdgate.admin), await visit(herdgate.admin)]
    for (const page of [paused, watching]) {
      await logIn(page, TOKEN)
      await live(page)
    }
    const row = (page: Page, path: string) => page.locator('.requests tbody tr', { hasText: path })
    await paused.click('#pause')
    await paused.locator('#connection', { hasText: 'Paused' }).waitFor()
    await ask('/meanwhile')
    await row(watching, '/meanwhile').waitFor()
    await ask('/then') // its snapshot comes after the one that brought both pages the first request
    await row(watching, '/then').waitFor()
    expect(await row(paused, '/meanwhile').count()).toBe(0)
    await paused.click('#pause')
    await row(paused, '/meanwhile').waitFor()
  })

  test('is dark if the browser prefers that, fits 400 pixels, and remembers the chosen theme', async () => {
    const page = await visit(herdgate.admin, { viewport: { width: 400, height: 800 }, colorScheme: 'dark' })
    await logIn(page, TOKEN)
    await live(page)
    await ask('/a')
    await ask('/a', 30)
    await drawn(page, '#results', 'hit')
    expect(await page.evaluate(brightness)).toBeLessThan(40)
    expect(await page.evaluate(scrollWidth)).toBe(400)
    await look(page, 'dark-400')

    await page.selectOption('#theme', 'light')
    expect(await page.evaluate(brightness)).toBeGreaterThan(220)
    await drawn(page, '#results', 'hit') // in the colours of the light theme
    await look(page, 'light-400')
    await page.reload()
    await live(page) // the tab kept the token
    expect(await page.evaluate(brightness)).toBeGreaterThan(220)
    await page.setViewportSize({ width: 1280, height: 900 })
    await page.selectOption('#theme', 'dark')
    await look(page, 'dark-1280')
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.locator('#token').waitFor()
    expect(await page.evaluate(kept)).toBe(0)
    expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] })
  })

  test('plots and legends keep their colours where the system sets all others, as for high contrast', async () => {
    const page = await visit(herdgate.admin, { forcedColors: 'active' })
    await logIn(page, TOKEN)
    await live(page)
    await ask('/contrast', 5)
    await drawn(page, '#results', 'hit')
    await look(page, 'forced-colours')
    expect(await page.evaluate(background, '#results .swatch')).not.toBe(await page.evaluate(background, 'body'))
  })

  test('goes live in a browser whose streams cannot be iterated over', async () => {
    const page = await visit(herdgate.admin)
    await page.addInitScript(streamsCannotBeIterated)
    await page.reload()
    await logIn(page, TOKEN)
    await live(page)
    await page.locator('#nodes', { hasText: 'synced' }).waitFor()
    expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] })
  })

  test('works in a browser that keeps nothing for it, until it is reloaded', async () => {
    const page = await visit(herdgate.admin)
    await page.addInitScript(storageIsRefused)
    await page.reload()
    await logIn(page, TOKEN)
    await live(page)
    await page.selectOption('#theme', 'dark')
    await page.reload()
    await page.locator('#token').waitFor()
    expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] })
  })

  test('reconnects after a restart of Herdgate', async () => {
    const other = await startHerdgate(['--origin', origin.url, '--log-level', 'warn'])
    const page = await visit(other.admin)
    await logIn(page, TOKEN)
    await live(page)
    await other.stop()
    await page.locator('#connection', { hasText: 'No connection' }).waitFor()
    const { port } = new URL(other.admin)
    const again = await startHerdgate(['--origin', origin.url, '--log-level', 'warn', '--admin-port', port])
    await live(page)
    await again.stop()
  })

  test('says that Herdgate does not respond, and continues when it does', async () => {
    await using other = await startHerdgate(['--origin', origin.url, '--log-level', 'warn'])
    const page = await browser.newPage()
    pages.push(page)
    page.setDefaultTimeout(WAIT_MS)
    await page.clock.install()
    await page.goto(`${other.admin}/dashboard`)
    await logIn(page, TOKEN)
    await live(page)
    other.child.kill('SIGSTOP')
    await page.clock.fastForward(10_000)
    await page.locator('#connection', { hasText: 'No connection' }).waitFor()
    other.child.kill('SIGCONT')
    await live(page)
  })

  test('asks for the token again after it has changed, even while a dialog is open', async () => {
    const flags = ['--origin', origin.url, '--log-level', 'warn']
    const other = await startHerdgate(flags)
    const page = await visit(other.admin)
    await logIn(page, TOKEN)
    await live(page)
    await get(`${other.url}/a`)
    await page.locator('.requests tbody button').first().click()
    await page.locator('#explain').waitFor()
    await other.stop()
    const { port } = new URL(other.admin)
    const again = await startHerdgate([...flags, '--admin-port', port, '--admin-token', ANOTHER_TOKEN])
    await page.locator('#login-said', { hasText: 'no longer accepted' }).waitFor()
    await page.locator('#token').click()
    await logIn(page, ANOTHER_TOKEN)
    await live(page)
    await again.stop()
  })

  test('a token that may only purge gets the purge panel alone, which says what it did and what it may not', async () => {
    const config = join(temporaryFolder(), 'herdgate.yaml')
    const [team, screen] = ['the-token-of-team-a', 'the-token-of-the-screen']
    const tokens = `{ name: team-a, token: ${team}, tags: [products] }, { name: screen, token: ${screen}, read: true }`
    await writeFile(config, `version: 1\nadmin: { tokens: [${tokens}] }\n`)
    const flags = ['--origin', origin.url, '--config', config, '--log-level', 'warn']
    await using limited = await startHerdgate(flags)
    const result = async () => (await get(`${limited.url}/p`)).cacheStatus
    await result()
    expect(await result()).toContain('hit')
    const page = await visit(limited.admin)
    const shown = () => page.locator('#content > *').filter({ visible: true }).allTextContents()
    const said = page.locator('#purge .said')
    await logIn(page, team)
    await page.locator('#connection', { hasText: 'Purges only' }).waitFor()
    expect(await shown()).toEqual([expect.stringMatching(/^\s*Purge\s.*may only purge/s)])
    for (const control of ['#window', '#pause', '.skip']) expect(await page.locator(control).isVisible()).toBe(false)
    await look(page, 'purges-only-light')

    await page.keyboard.type('products') // it has the focus
    await page.getByRole('button', { name: 'Purge', exact: true }).click()
    await page.locator('#purge .said.good', { hasText: 'acknowledged by 1 of 1 nodes' }).waitFor()
    expect(await result()).toContain('fwd=uri-miss')
    await page.fill('#purge-what', 'prices')
    await page.keyboard.press('Enter')
    await page.locator('#purge .said.bad', { hasText: 'may not' }).waitFor()
    expect(await said.textContent()).toBe('This token may not do that: nothing was done.')

    await page.reload() // the tab kept the token
    await page.locator('#connection', { hasText: 'Purges only' }).waitFor()
    await page.setViewportSize({ width: 400, height: 800 })
    await page.selectOption('#theme', 'dark')
    expect(await page.evaluate(scrollWidth)).toBe(400)
    await look(page, 'purges-only-dark-400')
    await page.getByRole('button', { name: 'Log out' }).click()
    await logIn(page, screen)
    await live(page)
    expect((await shown()).length).toBeGreaterThan(8)
    expect(complaints.filter((complaint) => !complaint.includes('403'))).toEqual([]) // from the browser, as intended
    expect(strangers).toEqual([])
  })

  test('a token that may only read is offered no purge, and told why', async () => {
    const config = join(temporaryFolder(), 'herdgate.yaml')
    const screen = 'the-token-of-the-screen'
    await writeFile(config, `version: 1\nadmin: { tokens: [{ name: screen, token: ${screen}, read: true }] }\n`)
    const flags = ['--origin', origin.url, '--config', config, '--log-level', 'warn']
    await using limited = await startHerdgate(flags)
    const page = await visit(limited.admin)
    const panel = page.locator('#content > :has(#purge)')
    const controls = panel.locator('input, select, button').filter({ visible: true })
    for (const reload of [false, true]) {
      if (reload) await page.reload()
      else await logIn(page, screen)
      await live(page)
      expect(await controls.count()).toBe(0)
      expect(await panel.innerText()).toMatch(/may only read/)
    }
    await look(page, 'reads-only')

    await page.getByRole('button', { name: 'Log out' }).click()
    await logIn(page, TOKEN)
    await live(page)
    expect(await controls.count()).toBe(4)
    expect(await panel.innerText()).not.toMatch(/This token may/)
    expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] })
  })

  test('a token that may read and purge some tags is not offered to purge everything', async () => {
    const config = join(temporaryFolder(), 'herdgate.yaml')
    const team = 'the-token-of-one-team'
    await writeFile(
      config,
      `version: 1\nadmin: { tokens: [{ name: team, token: ${team}, read: true, tags: [team-*] }] }\n`,
    )
    const flags = ['--origin', origin.url, '--config', config, '--log-level', 'warn']
    await using limited = await startHerdgate(flags)
    const page = await visit(limited.admin)
    const offered = () => page.evaluate(offeredBy, '#purge-kind')
    await logIn(page, team)
    await live(page)
    expect(await offered()).toEqual(['tags', 'urls', 'prefixes'])

    await page.getByRole('button', { name: 'Log out' }).click()
    await logIn(page, TOKEN)
    await live(page)
    expect(await offered()).toEqual(['tags', 'urls', 'prefixes', 'all'])
  })

  test('a tab that may only purge says that its token is no longer accepted', async () => {
    const config = join(temporaryFolder(), 'herdgate.yaml')
    const write = (token: string) =>
      writeFile(config, `version: 1\nadmin: { tokens: [{ name: team-a, token: ${token}, tags: [products] }] }\n`)
    await write(ANOTHER_TOKEN)
    const flags = ['--origin', origin.url, '--config', config, '--log-level', 'warn']
    const before = await startHerdgate(flags)
    const page = await visit(before.admin)
    await logIn(page, ANOTHER_TOKEN)
    await page.locator('#connection', { hasText: 'Purges only' }).waitFor()
    await before.stop()
    await write('the-next-token-of-team-a')
    const again = await startHerdgate([...flags, '--admin-port', new URL(before.admin).port])
    await page.fill('#purge-what', 'products')
    await page.getByRole('button', { name: 'Purge', exact: true }).click()
    await page.locator('#login-said', { hasText: 'no longer accepted' }).waitFor()
    expect(await page.evaluate(kept)).toBe(0)
    await again.stop()
  })

  test('says so while the limit on viewers is reached', async () => {
    await using busy = await startHerdgate(['--origin', origin.url, '--log-level', 'warn'])
    const gone = new AbortController()
    const init = { headers: { authorization: `Bearer ${TOKEN}` }, signal: gone.signal }
    const watching: Response[] = [] // a response that nothing refers to would be closed
    do watching.push(await fetch(`${busy.admin}/v1/live`, init))
    while (watching.at(-1)?.status === 200)
    const page = await visit(busy.admin)
    await logIn(page, TOKEN)
    await page.locator('#connection', { hasText: 'Too many watchers' }).waitFor()
    expect(watching).toHaveLength(9)
    gone.abort()
    await live(page)
  })

  test('many origins, with long names, stay within their panel', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `origin-${at}`.padEnd(64, 'x'))
    const config = join(temporaryFolder(), 'herdgate.yaml')
    const origins = names.map((name) => `  ${name}: { urls: ["${origin.url}"] }`)
    const routes = names.map((name) => `  - { name: ${name}, origin: ${name}, match: { path: /${name}/* } }`)
    await writeFile(config, ['version: 1', 'origins:', ...origins, 'routes:', ...routes].join('\n'))
    await using many = await startHerdgate(['--config', config, '--log-level', 'warn'])
    const page = await visit(many.admin)
    await logIn(page, TOKEN)
    await page.locator('#origins', { hasText: names.at(-1) ?? '' }).waitFor()
    expect(await page.evaluate(overlap, ['#origins .rows', '#origins .plot'] as const)).toBeLessThanOrEqual(0)
    expect(await page.evaluate(sticksOut, '#origins .rows b')).toBe(0)
  })
})

test('a restarted demo asks an open tab for its new token', async () => {
  const options = { port: 0, originPort: 0, pretty: false, out: () => {} }
  const before = await runDemo({ ...options, adminPort: 0 })
  const page = await visit(before.admin)
  await logIn(page, before.adminToken)
  await live(page)
  await before.close()
  const demo = await runDemo({ ...options, adminPort: Number(new URL(before.admin).port) })
  try {
    await page.reload()
    await page.locator('#login-said', { hasText: 'no longer accepted' }).waitFor()
    await logIn(page, demo.adminToken)
    await live(page)
    expect(await page.locator('.demo').count()).toBe(1)
  } finally {
    await demo.close()
  }
})

test('the dashboard of the demo has the switches of the slow API', async () => {
  const demo = await runDemo({ port: 0, adminPort: 0, originPort: 0, pretty: false, out: () => {} })
  try {
    const page = await visit(demo.admin)
    await logIn(page, demo.adminToken)
    await live(page)
    await page.locator('#demo-herd').click()
    await page.locator('.demo .said', { hasText: /100 clients, 100 answered .* asked once/ }).waitFor()

    await page.selectOption('#demo-outage', 'error')
    await page.locator('#demo-latency').fill('0')
    const control = async () => (await fetch(`${demo.origin}/__control`)).json()
    await until(async () => {
      const { outage, latencyMs } = (await control()) as { outage: string; latencyMs: number }
      return outage === 'error' && latencyMs === 0
    }, 'the slow API fails at once')

    await page.locator('#demo-visitors').fill('50')
    await drawn(page, '#results', 'miss')
    await page.locator('#origins', { hasText: 'fails' }).waitFor()
    expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] })
  } finally {
    await demo.close()
  }
})
