import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fakeAdmin } from '../../support/admin.ts'

const FILES = readdirSync(new URL('../../../src/dashboard', import.meta.url))
const page = async (url: string) => (await fakeAdmin().app.inject(url)).body

describe('/dashboard', () => {
  test('is a page that needs no token, under a policy that restricts it to this host', async () => {
    const response = await fakeAdmin().app.inject('/dashboard')
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(response.headers['content-security-policy']).toMatch(/^default-src 'self'; .*frame-ancestors 'none'/)
    expect(response.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  })

  test('redirects from the path with a trailing slash', async () => {
    const response = await fakeAdmin().app.inject('/dashboard/')
    expect([response.statusCode, response.headers.location]).toEqual([308, '../dashboard'])
  })

  test('has nothing inline, and loads only existing files, below the path at which a gateway serves it', async () => {
    const body = await page('/dashboard')
    expect(body).not.toMatch(/<style| style=|<script>| on\w+=|https?:/)
    const references = [...body.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, url = '']) => url)
    expect(references.length).toBeGreaterThan(3)
    const { app } = fakeAdmin()
    for (const url of references) {
      const [, path = ''] = new URL(url, 'http://gateway/below/dashboard').href.split('/below')
      expect([url, (await app.inject(path)).statusCode]).toEqual([url, 200])
    }
  })

  test('its modules import only existing files', async () => {
    const { app } = fakeAdmin()
    for (const name of FILES.filter((file) => file.endsWith('.js'))) {
      const response = await app.inject(`/dashboard/${name}`)
      expect([name, response.statusCode]).toEqual([name, 200])
      expect(response.headers['content-type']).toMatch(/^(text|application)\/javascript/)
      for (const [, target = ''] of response.body.matchAll(/from '([^']+)'/g)) {
        const url = new URL(target, `http://admin/dashboard/${name}`).pathname
        expect([name, target, (await app.inject(url)).statusCode]).toEqual([name, target, 200])
      }
    }
  })

  test.each(['tsconfig.json', 'uPlot.esm.d.ts', 'uPlot.cjs.js', '../cli.ts', '%2e%2e/cli.ts', 'nothing.js'])(
    'there is no %s',
    async (name) => {
      expect((await fakeAdmin().app.inject(`/dashboard/${name}`)).statusCode).toBe(404)
    },
  )

  test('lists what an extension adds, and nothing by default', async () => {
    expect(JSON.parse(await page('/dashboard/panels.json'))).toEqual([])
    const extension = { panels: ['demo-switches.js'], routes: () => {} }
    const { app } = fakeAdmin({ extension })
    expect((await app.inject('/dashboard/panels.json')).json()).toEqual(['demo-switches.js'])
  })
})
