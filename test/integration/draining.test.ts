import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { startHerdgate } from '../support/herdgate.ts'
import { get, startOrigin, until } from '../support/http.ts'

test('during listen.drainDelay a node is not ready, answers all the same, and ends its connections', async () => {
  const origin = await startOrigin(
    (_request, response) => void response.setHeader('Cache-Control', 'max-age=60').end('ok'),
  )
  const config = join(temporaryFolder(), 'herdgate.yaml')
  writeFileSync(config, 'version: 1\nlisten: { drainDelay: 60s }\n')
  await using herdgate = await startHerdgate(['--config', config, '--origin', origin.url])
  const alive = { agent: undefined, headers: { connection: 'keep-alive' } }
  expect((await get(herdgate.url, alive)).headers.connection).toBe('keep-alive')

  herdgate.child.kill('SIGTERM')
  await until(async () => (await herdgate.ask('/readyz')).status === 503, 'no more readiness')
  const answer = await get(herdgate.url, alive)
  expect([answer.status, answer.body, answer.headers.connection]).toEqual([200, 'ok', 'close'])
  expect(herdgate.child.exitCode).toBeNull()
  await origin.kill()
  await herdgate.stop('SIGKILL')
})

test('then it ends with 0', async () => {
  const origin = await startOrigin((_request, response) => void response.end('ok'))
  const config = join(temporaryFolder(), 'herdgate.yaml')
  writeFileSync(config, 'version: 1\nlisten: { drainDelay: 300ms }\n')
  await using herdgate = await startHerdgate(['--config', config, '--origin', origin.url])
  const before = performance.now()
  expect(await herdgate.stop()).toBe(0)
  expect(performance.now() - before).toBeGreaterThan(290)
  await origin.kill()
})
