import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exchange, herdgate, restart, start } from '../support/before-raw-origin.ts'
import { temporaryFolder } from '../support/folder.ts'
import { ok } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

test('explain names the tier that the copy is in, its tags, and no group twice', async () => {
  const flags = ['--disk', join(temporaryFolder(), 'cache')]
  const fields = 'Cache-Control: max-age=60\r\nVary: X-A\r\nSurrogate-Key: a\r\nCache-Groups: "g"\r\n'
  await start(({ socket }) => void socket.write(ok('body', fields)), flags)
  const explained = async () => {
    const { body } = await herdgate.ask('/v1/explain?url=http://a.example/x&header=X-A:1')
    return [body.decision, body.stored?.tier, body.stored?.tags]
  }
  const request = 'GET /x HTTP/1.1\r\nHost: a.example\r\nX-A: 1\r\nConnection: close\r\n\r\n'
  await exchange(request)
  await until(async () => (await explained())[0] === 'serve', 'the copy is stored')
  expect(await explained()).toEqual(['serve', 'memory', ['a', 'g']])
  await herdgate.stop()
  await restart(flags)
  expect(await explained()).toEqual(['serve', 'disk', ['a', 'g']])
  expect(await explained()).toEqual(['serve', 'disk', ['a', 'g']])
  expect(await exchange(request)).toContain('herdgate; hit')
  expect(await explained()).toEqual(['serve', 'memory', ['a', 'g']])
})

test('explain says of a request that wants a copy or nothing that it is refused', async () => {
  await start(({ socket }) => void socket.write(ok('body')))
  const wishes = 'header=Cache-Control:only-if-cached'
  for (const query of [wishes, `${wishes}&header=If-Match:*`]) {
    const { body } = await herdgate.ask(`/v1/explain?url=http://a.example/x&${query}`)
    expect([body.decision, body.why]).toEqual(['refuse', 'only-if-cached'])
  }
})

test.each([
  ['for said by one, where there are any', '127.0.0.1/32', ['serve', 'fetch']],
  ['for nothing, where there are none', '', ['serve', 'serve']],
])('explain takes what only trusted peers may say %s', async (_, trustProxy, decisions) => {
  const file = join(temporaryFolder(), 'herdgate.yaml')
  const listen = `listen: { trustProxy: [${trustProxy}] }`
  await writeFile(
    file,
    `version: 1\n${listen}\nroutes: [{ name: r, origin: default, key: { headers: [cf-ipcountry] } }]\n`,
  )
  await start(({ socket }) => void socket.write(ok('body', 'Cache-Control: max-age=60\r\n')), ['--config', file])
  await exchange('GET /x HTTP/1.1\r\nHost: a.example\r\nCF-IPCountry: DE\r\nConnection: close\r\n\r\n')
  const decision = async (country: string) =>
    (await herdgate.ask(`/v1/explain?url=http://a.example/x&header=CF-IPCountry:${country}`)).body.decision
  expect([await decision('DE'), await decision('FR')]).toEqual(decisions)
})
