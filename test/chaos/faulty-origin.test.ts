import { describe, expect, test } from 'vitest'
import type { ChaosRules } from '../../src/chaos/fate.ts'
import { faultyOrigin } from '../../src/chaos/faulty-origin.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { codeOf, get, textOf } from '../support/origin-calls.ts'
import { ScriptedOrigin } from '../support/scripted-origin.ts'
import { fates } from './rules.ts'

const BODY = 'content of the origin'

function faulty(given: Partial<ChaosRules>, seed = 1) {
  const clock = new FakeClock()
  const inner = new ScriptedOrigin().script(() => ({
    headers: { ETag: '"1"' },
    body: BODY,
    trailers: { 'X-Sum': '1' },
  }))
  const timeouts = { connectTimeout: 2_000, headersTimeout: 30_000 }
  return { clock, inner, origin: faultyOrigin(inner, { fates: fates(given, clock, seed), clock, ...timeouts }) }
}

/** How a fetch ends for the caller. */
async function ending(origin: ReturnType<typeof faulty>['origin']): Promise<string> {
  try {
    const response = await origin.fetch(get())
    return `${response.status} ${await textOf(response)}`
  } catch (error) {
    return String((error as { code?: string }).code)
  }
}

test('nothing fails without rules', async () => {
  const { origin, inner } = faulty({})
  const response = await origin.fetch(get('/x'))
  expect(response).toMatchObject({ status: 200, fields: ['ETag', '"1"'] })
  expect(await textOf(response)).toBe(BODY)
  expect(response.trailers()).toEqual(['X-Sum', '1'])
  expect(origin.name).toBe('origin')
  expect(inner.requests).toMatchObject([{ target: '/x' }])
})

test('a failure is a refused connection, a 503, or content that breaks off', async () => {
  const { origin } = faulty({ errorRate: 1 })
  const endings = new Set<string>()
  for (let turn = 0; turn < 60; turn++) endings.add(await ending(origin))
  expect([...endings].sort()).toEqual(['503 ', 'origin_refused', 'origin_reset'])
})

describe('damage', () => {
  test('breaks off the content in the middle', async () => {
    const { origin } = faulty({ corruption: 1 })
    const response = await origin.fetch(get())
    expect(response.status).toBe(200)
    const chunks: string[] = []
    const read = async () => {
      for await (const chunk of response.body) chunks.push(Buffer.from(chunk).toString())
    }
    expect(await codeOf(read())).toBe('origin_reset')
    expect(chunks).toEqual([BODY.slice(0, 10)])
  })

  test('releases the rest of the content', async () => {
    const { origin, inner } = faulty({ corruption: 1 })
    let released = false
    inner.script(() => ({
      body: (async function* () {
        try {
          for (;;) yield Buffer.from('more')
        } finally {
          released = true
        }
      })(),
    }))
    expect(await ending(origin)).toBe('origin_reset')
    expect(released).toBe(true)
  })

  test('leaves a response without content unchanged', async () => {
    const { origin, inner } = faulty({ corruption: 1 })
    inner.script(() => ({ status: 304 }))
    expect(await ending(origin)).toBe('304 ')
  })
})

describe('time', () => {
  test.each([
    ['a delay comes before the origin is asked', { delay: { min: 500, max: 500 } }, 500, `200 ${BODY}`],
    ['a delay beyond the limit for heads times out', { delay: { min: 60_000, max: 60_000 } }, 30_000, 'origin_timeout'],
    ['out of reach, connecting times out', { partition: { every: 1_000, for: 999 } }, 2_000, 'origin_timeout'],
  ])('%s', async (_, given: Partial<ChaosRules>, ms, expected) => {
    const { origin, clock } = faulty(given)
    await clock.advance(1)
    let ended: string | undefined
    void ending(origin).then((end) => (ended = end))
    await clock.advance(ms - 1)
    expect(ended).toBeUndefined()
    await clock.advance(1)
    expect(ended).toBe(expected)
  })

  test('a caller that leaves does not wait for the end of a delay', async () => {
    const { origin, inner, clock } = faulty({ delay: { min: 500, max: 500 } })
    const gone = new AbortController()
    const fetched = codeOf(origin.fetch(get(), gone.signal))
    gone.abort()
    expect(await fetched).toBe('client_gone')
    expect(await codeOf(origin.fetch(get(), gone.signal))).toBe('client_gone')
    expect(clock.pending).toBe(0)
    expect(inner.requests).toEqual([])
  })
})
