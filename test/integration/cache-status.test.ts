import { describe, expect, test } from 'vitest'
import { herdgate, origin, start } from '../support/before-raw-origin.ts'
import { get } from '../support/http.ts'
import { ok } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

describe('Cache-Status says "stored" only of what is stored', () => {
  test('not of a response above the size limit, whose key is then remembered', async () => {
    const large = `Cache-Control: max-age=60\r\n`
    await start(({ socket }) => void socket.write(ok('x'.repeat(70_000), large)), ['--memory', '64KiB'])
    expect((await get(`${herdgate.url}/x`)).cacheStatus).toBe(
      'herdgate; fwd=uri-miss; fwd-status=200; detail=too-large',
    )
    expect((await get(`${herdgate.url}/x`)).cacheStatus).toContain('detail=unshareable')
  })

  test('not of a chunked response above the size limit, whose key is then remembered', async () => {
    const head = 'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n'
    const content = `11170\r\n${'x'.repeat(70_000)}\r\n0\r\n\r\n`
    await start(({ socket }) => void socket.write(head + content), ['--memory', '64KiB'])
    const explained = async () => {
      const { body } = await herdgate.ask(`/v1/explain?url=${herdgate.url}/x`)
      return `${body.decision} ${body.why}`
    }
    await get(`${herdgate.url}/x`) // only at its end is it known to be above the limit
    for (let again = 0; again < 2; again++) {
      await until(async () => (await explained()) === 'pass unshareable', 'the key is remembered')
      expect((await get(`${herdgate.url}/x`)).cacheStatus).toBe(
        'herdgate; fwd=uri-miss; fwd-status=200; detail=unshareable',
      )
    }
  })

  test('not of a response that a purge has overtaken', async () => {
    let answer = () => {}
    await start(({ socket }) => {
      answer = () => void socket.write(ok('x', 'Cache-Control: max-age=60\r\n'))
    })
    const first = get(`${herdgate.url}/x`)
    await until(() => origin.requests.length === 1, 'the request at the origin')
    await herdgate.ask('/v1/purge', { all: true })
    answer()
    expect((await first).cacheStatus).toBe('herdgate; fwd=uri-miss; fwd-status=200')
  })
})

test('Cache-Status says why an error of the origin is not stored, and that the request forbids storing', async () => {
  await start(({ socket, head }) => {
    socket.write(head.startsWith('GET /down') ? 'HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n' : ok())
  })
  const down = await get(`${herdgate.url}/down`)
  expect(down.cacheStatus).toBe('herdgate; fwd=uri-miss; fwd-status=503; detail=status')
  const asked = await get(`${herdgate.url}/x`, { headers: { 'Cache-Control': 'no-store' } })
  expect(asked.cacheStatus).toBe('herdgate; fwd=request; fwd-status=200; detail=request-no-store')
})
