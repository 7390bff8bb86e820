import { expect, test } from 'vitest'
import { herdgate, start } from '../support/before-raw-origin.ts'
import { ok } from '../support/raw-origin.ts'

test('a node that logs that it is listening is ready, even if Redis is down', async () => {
  await start(({ socket }) => void socket.write(ok()), ['--redis', 'redis://127.0.0.1:1'])
  const { status, body } = await herdgate.ask('/readyz')
  expect([status, body.status, body.degraded]).toEqual([200, 'ready', expect.arrayContaining(['redis'])])
})
