import { describe, expect, test } from 'vitest'
import { HerdgateError } from '../../../src/errors.ts'
import { field } from '../../../src/fields.ts'
import { settle } from '../../support/fake-clock.ts'
import { PushedBody } from '../../support/scripted-origin.ts'
import { received, world } from '../../support/world.ts'

test('a short-lived variant does not take longer-lived ones with it', async () => {
  const w = world({ grace: 0 })
  w.origin.script(({ fields }) => {
    const short = fields.includes('de')
    return {
      headers: { 'Cache-Control': `max-age=${short ? 5 : 500}`, Vary: 'Accept-Language' },
      body: short ? 'kurz' : 'long',
    }
  })
  const kept: number[] = []
  const { set } = w.store
  w.store.set = (key, stored, keepForMs) => {
    if (stored.kind === 'varies') kept.push(keepForMs)
    return set(key, stored, keepForMs)
  }
  await w.get('/', { 'Accept-Language': 'en' })
  await w.get('/', { 'Accept-Language': 'de' })
  expect(kept).toHaveLength(2)
  expect(kept[1]).toBeGreaterThanOrEqual(500_000)
  await w.clock.advance(100_000)
  expect(await w.get('/', { 'Accept-Language': 'en' })).toMatchObject({ body: 'long', result: 'hit' })
})

async function* breaking(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('new')
  await Promise.resolve()
  throw new HerdgateError('origin_reset')
}

describe('a new Vary', () => {
  const VARYING = { 'Cache-Control': 'max-age=60', Vary: 'Accept-Language' }

  /** A world with a stale copy. */
  const withCopy = async (headers: Record<string, string> = {}) => {
    const w = world({ grace: 3_600_000 })
    w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60', ...headers }, body: 'old' }))
    await w.get('/')
    await w.clock.advance(61_000)
    return w
  }
  const whileItFails = async (w: ReturnType<typeof world>, language = 'de') => {
    w.origin.script(() => new HerdgateError('origin_refused'))
    return w.get('/', { 'Accept-Language': language })
  }

  test.each([{}, { Vary: 'X-Other' }])('of content that breaks off leaves a copy with %j in place', async (before) => {
    const w = await withCopy(before)
    w.origin.script(() => ({ headers: VARYING, body: breaking() }))
    await expect(w.get('/', { 'Accept-Language': 'de' })).rejects.toThrow()
    expect(await whileItFails(w)).toMatchObject({ body: 'old', result: 'stale_if_error' })
  })

  test('of content that breaks off leaves the variants of an earlier Vary in place', async () => {
    const w = await withCopy()
    w.origin.script(() => ({ headers: VARYING, body: 'alt' }))
    await w.get('/', { 'Accept-Language': 'de' })
    await w.clock.advance(61_000)
    w.origin.script(() => ({ headers: { ...VARYING, Vary: 'X-Other' }, body: breaking() }))
    await expect(w.get('/', { 'Accept-Language': 'de' })).rejects.toThrow()
    expect(await whileItFails(w)).toMatchObject({ body: 'alt', result: 'stale_if_error' })
  })

  test.each([false, true])(
    'of several arriving variants leaves the copy in place unless one is completed: %j',
    async (isOneWhole) => {
      const w = await withCopy()
      const bodies = { de: new PushedBody(), fr: new PushedBody() }
      w.origin.script(({ fields }) => ({ headers: VARYING, body: fields.includes('fr') ? bodies.fr : bodies.de }))
      const replies = [await w.ask('/', { 'Accept-Language': 'de' }), await w.ask('/', { 'Accept-Language': 'fr' })]
      const contents = Promise.allSettled(replies.map(async (reply) => received(reply)))
      if (isOneWhole) bodies.fr.end()
      else bodies.fr.break()
      await settle()
      bodies.de.break()
      const ended = isOneWhole ? 'fulfilled' : 'rejected'
      expect(await contents).toMatchObject([{ status: 'rejected' }, { status: ended }])
      expect(await whileItFails(w, 'es')).toMatchObject(
        isOneWhole ? { status: 502 } : { body: 'old', result: 'stale_if_error' },
      )
    },
  )

  test('of a variant that is completed after another has broken off takes effect', async () => {
    const w = await withCopy()
    const bodies = { de: new PushedBody(), fr: new PushedBody() }
    w.origin.script(({ fields }) => ({ headers: VARYING, body: fields.includes('fr') ? bodies.fr : bodies.de }))
    const replies = [await w.ask('/', { 'Accept-Language': 'de' }), await w.ask('/', { 'Accept-Language': 'fr' })]
    const contents = Promise.allSettled(replies.map(async (reply) => received(reply)))
    bodies.de.break()
    await settle()
    bodies.fr.push('nouveau')
    bodies.fr.end()
    await contents
    expect(await whileItFails(w, 'fr')).toMatchObject({ body: 'nouveau', result: 'hit' })
  })

  test('of content that breaks off twice leaves the newest copy in place', async () => {
    const w = await withCopy()
    const bodies = [new PushedBody(), new PushedBody()] as const
    const answerOf = (language: string) => w.ask('/', { 'Accept-Language': language })
    w.origin.script(() => ({ headers: VARYING, body: bodies[0] }))
    const first = received(await answerOf('de'))
    w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60' }, body: 'newer' }))
    await w.get('/', { 'Accept-Language': 'fr' })
    await w.clock.advance(61_000)
    w.origin.script(() => ({ headers: VARYING, body: bodies[1] }))
    const second = received(await answerOf('es'))
    const ended = Promise.allSettled([first, second])
    for (const body of bodies) {
      body.break()
      await settle()
    }
    expect(await ended).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }])
    expect(await whileItFails(w)).toMatchObject({ body: 'newer', result: 'stale_if_error' })
  })

  test('of content that is invalidated while it arrives leaves the copy in place', async () => {
    const w = await withCopy()
    const body = new PushedBody()
    w.origin.script(() => ({ headers: VARYING, body }))
    const arriving = received(await w.ask('/', { 'Accept-Language': 'de' }))
    await w.cache.invalidate({ urls: ['http://a.test/'] })
    body.end()
    await arriving
    await settle()
    expect(await whileItFails(w)).toMatchObject({ body: 'old', result: 'stale_if_error' })
  })

  test('of content that breaks off does not bring back a copy purged meanwhile', async () => {
    const w = await withCopy()
    w.origin.script(() => ({ headers: VARYING, body: breaking() }))
    const reply = await w.ask('/', { 'Accept-Language': 'de' })
    await w.cache.purge({ urls: ['http://a.test/'] })
    await expect(received(reply)).rejects.toThrow()
    expect(await whileItFails(w)).toMatchObject({ status: 502 })
  })
})

describe('variants in one language', () => {
  const GERMAN = { 'Cache-Control': 'max-age=60', Vary: 'Accept-Language', 'Content-Language': 'de' }
  const prefers = (others: string) => ({ 'Accept-Language': `de${others}` })
  const withStale = async () => {
    const w = world({ grace: 3_600_000 })
    w.origin.script(() => ({ headers: GERMAN, body: 'old' }))
    await w.get('/', prefers(', en;q=0.5'))
    expect(await w.get('/', prefers(', fr;q=0.5'))).toMatchObject({ body: 'old', result: 'hit' })
    await w.clock.advance(61_000)
    return w
  }

  test('the newest is served to requests that prefer the language', async () => {
    const w = await withStale()
    w.origin.script(() => ({ headers: GERMAN, body: 'new' }))
    await w.get('/', prefers(''))
    expect(await w.get('/', prefers(', fr;q=0.5'))).toMatchObject({ body: 'new', result: 'hit' })
  })

  test('are served only to requests that have the other fields they vary on', async () => {
    const w = world()
    const headers = { ...GERMAN, Vary: 'Accept-Language, X-Tenant' }
    w.origin.script(({ fields }) => ({ headers, body: field(fields, 'x-tenant') ?? '' }))
    await w.get('/', { ...prefers(', en;q=0.5'), 'X-Tenant': 'a' })
    expect(await w.get('/', { ...prefers(', fr;q=0.5'), 'X-Tenant': 'a' })).toMatchObject({ body: 'a', result: 'hit' })
    expect(await w.get('/', { ...prefers(', fr;q=0.5'), 'X-Tenant': 'b' })).toMatchObject({ body: 'b', result: 'miss' })
  })

  test('one that is in another language by now is no longer served to requests that prefer the former', async () => {
    const w = await withStale()
    w.origin.script(() => ({ headers: { ...GERMAN, 'Content-Language': 'en' }, body: 'english' }))
    await w.get('/', prefers(', en;q=0.5'))
    w.origin.script(() => ({ headers: GERMAN, body: 'new' }))
    expect(await w.get('/', prefers(', fr;q=0.5'))).toMatchObject({ body: 'new', result: 'miss' })
  })

  test('one that breaks off does not take another with it that was requested at the same time', async () => {
    const w = world()
    const inLanguage = (language: string, body: string | PushedBody) => ({
      headers: { 'Cache-Control': 'max-age=60', Vary: 'Accept-Language', 'Content-Language': language },
      body,
    })
    w.origin.script(() => inLanguage('en', 'hello'))
    await w.get('/', { 'Accept-Language': 'en' })
    const bodies = { de: new PushedBody(), fr: new PushedBody() }
    w.origin.script(({ fields }) => (fields.includes('de') ? inLanguage('de', bodies.de) : inLanguage('fr', bodies.fr)))
    const replies = [await w.ask('/', { 'Accept-Language': 'de' }), await w.ask('/', { 'Accept-Language': 'fr' })]
    const contents = Promise.allSettled(replies.map(async (reply) => received(reply)))
    bodies.fr.push('salut')
    bodies.fr.end()
    await settle()
    bodies.de.break()
    await contents
    w.origin.script(() => inLanguage('fr', 'asked again'))
    expect(await w.get('/', { 'Accept-Language': 'fr, en;q=0.5' })).toMatchObject({ body: 'salut', result: 'hit' })
  })

  test('one that breaks off does not hide the others', async () => {
    const w = await withStale()
    w.origin.script(() => ({ headers: GERMAN, body: breaking() }))
    await expect(w.get('/', prefers(''))).rejects.toThrow()
    w.origin.script(() => new HerdgateError('origin_refused'))
    expect(await w.get('/', prefers(', fr;q=0.5'))).toMatchObject({ body: 'old', result: 'stale_if_error' })
  })
})

test.each([200, 206, 404])(
  'variants from before a %i without Vary do not come back with later variants',
  async (status) => {
    const w = world()
    const varying = { 'Cache-Control': 'max-age=600', Vary: 'Accept-Language' }
    w.origin.script(() => ({ headers: varying, body: 'before' }))
    await w.get('/', { 'Accept-Language': 'de' })
    const part = status === 206 ? { 'Content-Range': 'bytes 0-6/10' } : {}
    const range = { Range: 'bytes=0-6' }
    w.origin.script(() => ({ status, headers: { 'Cache-Control': 'max-age=1', ...part }, body: 'for all' }))
    await w.get('/', { 'Accept-Language': 'fr', ...range })
    expect(await w.get('/', { 'Accept-Language': 'de', ...range })).toMatchObject({ body: 'for all', result: 'hit' })
    await w.clock.advance(1_001)
    w.origin.script(() => ({ headers: varying, body: 'after' }))
    await w.get('/', { 'Accept-Language': 'fr' })
    expect(await w.get('/', { 'Accept-Language': 'de' })).toMatchObject({ body: 'after', result: 'miss' })
  },
)

test('a variant is stored whichever was requested first', async () => {
  const w = world()
  const headers = { 'Cache-Control': 'max-age=600', Vary: 'Accept-Language' }
  w.origin.script(() => ({ headers, body: 'fr' }))
  await w.get('/', { 'Accept-Language': 'fr' })
  await w.clock.advance(10)
  w.origin.script(() => undefined)
  const replies = []
  for (const language of ['de', 'en']) {
    replies.push(w.get('/', { 'Accept-Language': language }))
    await w.clock.advance(10)
  }
  for (const call of w.origin.waiting.toReversed()) {
    call.answer({ headers, body: field(call.request.fields, 'accept-language') ?? '' })
    await settle()
  }
  await Promise.all(replies)
  w.origin.script(() => ({ headers, body: 'asked again' }))
  for (const language of ['fr', 'de', 'en']) {
    expect(await w.get('/', { 'Accept-Language': language })).toMatchObject({ body: language, result: 'hit' })
  }
})

describe('a variant that was still arriving then does not come back either', () => {
  const varying = (maxAge: number, names = 'Accept') => ({
    'Cache-Control': `public, max-age=${maxAge}`,
    Vary: names,
  })
  const FOR_ALL = { 'Cache-Control': 'public, max-age=1' }
  const AUTHORIZED = { Authorization: 'Bearer alice' }
  const HTML = { Accept: 'text/html' }

  /** While a variant arrives for the `early` request, another answer replaces all variants. */
  const replaced = async (early: Record<string, string>, headers: Record<string, string>) => {
    const w = world()
    w.origin.script(() => ({ headers: varying(1), body: 'before' }))
    await w.get('/', early)
    await w.clock.advance(2_000)
    w.origin.script(() => undefined)
    const body = new PushedBody()
    const slow = w.get('/', early)
    await settle()
    w.origin.next.answer({ headers: varying(600), body })
    await w.clock.advance(10)
    w.origin.script(() => ({ headers, body: 'instead' }))
    await w.get('/', HTML)
    await w.clock.advance(2_000)
    w.origin.script(() => ({ headers: varying(600), body: 'after' }))
    const end = async () => {
      body.push('late')
      body.end()
      await slow
    }
    return { w, end }
  }

  describe.each([{}, AUTHORIZED])('for a request with %j', (early) => {
    test.each([FOR_ALL, varying(1, 'X-Other')])('when a response with %j replaced them', async (headers) => {
      const { w, end } = await replaced(early, headers)
      await end()
      await w.get('/', HTML)
      expect(await w.get('/', early)).toMatchObject({ body: 'after', result: 'miss' })
    })

    test('but one of another resource that is still arriving is stored', async () => {
      const w = world()
      const body = new PushedBody()
      w.origin.script(({ target }) => ({ headers: varying(600), body: target === '/other' ? body : 'whole' }))
      const other = received(await w.ask('/other', early))
      await w.get('/', early)
      await w.clock.advance(10)
      w.origin.script(() => ({ headers: FOR_ALL, body: 'instead' }))
      await w.get('/', HTML)
      body.end()
      await other
      expect(await w.get('/other', early)).toMatchObject({ result: 'hit' })
    })

    test('and is not waited for while it still arrives', async () => {
      const { w, end } = await replaced(early, FOR_ALL)
      await w.get('/', HTML)
      expect(await w.get('/', early)).toMatchObject({ body: 'after', result: 'miss' })
      await end()
      expect(await w.get('/', early)).toMatchObject({ body: 'after', result: 'hit' })
    })
  })

  test.each([true, false])(
    'and leaves one that was requested later, whether or not that has arrived: %j',
    async (isThere) => {
      const w = world()
      w.origin.script(() => ({ headers: varying(1), body: 'before' }))
      await w.get('/')
      await w.clock.advance(2_000)
      const bodies = { slow: new PushedBody(), later: new PushedBody() }
      w.origin.script(() => ({ headers: varying(600, 'X-Other'), body: bodies.slow }))
      const slow = received(await w.ask('/', { ...HTML, 'X-Other': 'other' }))
      await w.clock.advance(10)
      w.origin.script(() => ({ headers: varying(600), body: bodies.later }))
      const later = received(await w.ask('/'))
      for (const body of isThere ? [bodies.later, bodies.slow] : [bodies.slow, bodies.later]) {
        body.push('whole')
        body.end()
        await settle()
      }
      await Promise.all([slow, later])
      w.origin.script(() => ({ headers: varying(600), body: 'anew' }))
      expect(await w.get('/')).toMatchObject({ body: 'whole', result: 'hit' })
    },
  )
})

test('variants replaced by the note that a response is too large do not come back', async () => {
  const w = world({ maxObjectBytes: 8 })
  const varying = { 'Cache-Control': 'max-age=600', Vary: 'Accept-Language' }
  w.origin.script(() => ({ headers: varying, body: 'before' }))
  await w.get('/', { 'Accept-Language': 'de' })
  await w.clock.advance(10)
  w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=600' }, body: 'far too long' }))
  await w.get('/', { 'Accept-Language': 'fr' })
  await w.clock.advance(10)
  w.origin.script(() => ({ headers: varying, body: 'after' }))
  await w.get('/', { 'Accept-Language': 'fr' })
  expect(await w.get('/', { 'Accept-Language': 'de' })).toMatchObject({ body: 'after', result: 'miss' })
})
