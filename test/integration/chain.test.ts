/** One Herdgate in front of another: both are the real command. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startHerdgate } from '../support/herdgate.ts'
import { temporaryFolder } from '../support/folder.ts'
import { get } from '../support/http.ts'
import { ok, rawOrigin } from '../support/raw-origin.ts'

async function startChain(outerSettings: string) {
  const origin = await rawOrigin(({ socket, head }) => {
    socket.write(ok(/^via: .*$/im.exec(head)?.[0], 'Cache-Control: max-age=60\r\n'))
  })
  const inner = await startHerdgate(['--origin', origin.url, '--log-level', 'silent'])
  const file = join(temporaryFolder(), 'herdgate.yaml')
  await writeFile(file, `version: 1\n${outerSettings}`)
  const outer = await startHerdgate(['--config', file, '--origin', inner.url, '--log-level', 'silent'])
  return {
    inner,
    outer,
    requests: () => origin.requests.length,
    async [Symbol.asyncDispose]() {
      await Promise.all([outer.stop(), inner.stop()])
      await origin.close()
    },
  }
}

test('two Herdgates of the same name are taken for a loop', async () => {
  await using chain = await startChain('')
  expect((await get(`${chain.outer.url}/`)).status).toBe(508)
  expect(chain.requests()).toBe(0)
})

test('with names of their own both cache, and both are purged', async () => {
  await using chain = await startChain('listen: { via: Edge }\n')
  const url = `${chain.outer.url}/x`
  const first = await get(url)
  expect(first.body).toMatch(/^via: 1.1 Edge, 1.1 herdgate$/i)
  expect(first.headers['via']).toBe('1.1 herdgate, 1.1 Edge')
  const hit = await get(url)
  expect(hit.headers).toMatchObject({
    via: '1.1 herdgate, 1.1 Edge',
    'cache-status': expect.stringMatching(/herdgate; hit/),
  })
  expect(chain.requests()).toBe(1)
  for (const node of [chain.inner, chain.outer]) expect((await node.ask('/v1/purge', { urls: [url] })).status).toBe(200)
  await get(url)
  expect(chain.requests()).toBe(2)
})
