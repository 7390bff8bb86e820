/** What is logged of requests, whichever way they are answered. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { RawClient } from '../hostile/client.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startHerdgate } from '../support/herdgate.ts'
import { get, startOrigin } from '../support/http.ts'
import { until } from '../support/waiting.ts'

test.each(['on', 'off'])(
  'with lane: %s a line has what the client says of itself, and how old its answer was',
  async (lane) => {
    const origin = await startOrigin((_request, response) => {
      response.setHeader('Cache-Control', 'max-age=600').setHeader('ETag', '"1"').setHeader('Age', '300').end('ok')
    })
    const config = join(temporaryFolder(), 'herdgate.yaml')
    writeFileSync(config, `version: 1\nlane: ${lane}\n`)
    await using herdgate = await startHerdgate(['--config', config, '--origin', origin.url, '--log-level', 'debug'])
    const logged = () => herdgate.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')

    for (const number of [1, 2, 3]) {
      const headers = { 'user-agent': `agent ${number}`, 'x-request-id': `id-${number}`, connection: 'keep-alive' }
      await get(`${herdgate.url}/x`, { agent: undefined, headers: { ...headers, 'if-none-match': '"1"' } })
    }
    await until(() => logged().length === 3, 'all are logged')
    expect(logged()).toMatchObject([
      { result: 'miss', status: 304, ua: 'agent 1', reqId: 'id-1' },
      { result: 'hit', status: 304, ua: 'agent 2', reqId: 'id-2' },
      { result: 'hit', status: 304, ua: 'agent 3', reqId: 'id-3' },
    ])
    for (const { age } of logged()) expect(age).toBeGreaterThanOrEqual(300)

    using client = await RawClient.connect(Number(new URL(herdgate.url).port))
    client.send(
      'GET /x HTTP/1.1\r\nHost: a.test\r\nUser-Agent: chat\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    await until(() => logged().length === 4, 'so is a handshake')
    expect(logged()[3]).toMatchObject({ result: 'pass', ua: 'chat' })
    expect(logged()[3]).not.toHaveProperty('age')
    expect(logged()[3]).not.toHaveProperty('reqId')
    await origin.kill()
  },
)

test.each(['1', '2'])('with --workers %s a purge leaves its line', async (workers) => {
  await using herdgate = await startHerdgate(['--origin', 'http://127.0.0.1:1', '--workers', workers])
  const { body } = await herdgate.ask('/v1/purge', { tags: ['a'] })
  const logged = () => herdgate.lines.map((line) => JSON.parse(line)).filter(({ audit }) => audit === true)
  await until(() => logged().length > 0, 'it is logged')
  const { id, position, nodes } = body
  const told = { msg: 'purge', by: 'admin', mode: 'purge', outcome: 'done', tags: ['a'], id, position, nodes }
  expect(logged()).toMatchObject([told])
})

test('lines of several processes to one pipe that is full do not cut each other', async () => {
  const logs = `
    import { openLog } from './src/logging/log.ts'
    const { logger } = openLog('info')
    for (let at = 0; at < 1_000; at++) logger.info({ path: 'p'.repeat(1_500) }, 'request')
  `
  const writer = `"${process.execPath}" --input-type=module -e "${logs}"`
  const shell = spawn('sh', ['-c', `{ ${writer} & ${writer} & wait; } | dd bs=1000 status=none`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = (await text(shell.stdout)).trimEnd().split('\n')
  const broken = lines.filter((line) => !/^\{"level":30,[^{}]*,"msg":"request"\}$/.test(line))
  expect([broken, lines.length]).toEqual([[], 2_000])
})
