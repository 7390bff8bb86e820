import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { startHerdgate } from '../support/herdgate.ts'
import { get, startOrigin } from '../support/http.ts'
import { until } from '../support/waiting.ts'

test.each(['on', 'off'])('with lane: %s the log has the client address that a trusted proxy reports', async (lane) => {
  const origin = await startOrigin(
    (_request, response) => void response.setHeader('Cache-Control', 'max-age=60').end('ok'),
  )
  const config = join(temporaryFolder(), 'herdgate.yaml')
  writeFileSync(config, `version: 1\nlane: ${lane}\nlisten: { trustProxy: [loopback, 10.0.0.0/8] }\n`)
  await using herdgate = await startHerdgate(['--config', config, '--origin', origin.url, '--log-level', 'debug'])
  const agent = undefined
  for (const last of [1, 2, 3]) {
    const headers = { 'x-forwarded-for': `203.0.113.1, 198.51.100.${last}, 10.1.2.3`, connection: 'keep-alive' }
    expect((await get(`${herdgate.url}/x`, { agent, headers })).status).toBe(200)
  }
  const addresses = () => herdgate.lines.flatMap((line) => /"clientIp":"([^"]*)"/.exec(line)?.[1] ?? [])
  await until(() => addresses().length === 3, 'all are logged')
  expect(addresses()).toEqual(['198.51.100.1', '198.51.100.2', '198.51.100.3'])
  await origin.kill()
})
