/** `admin.tokens` of a configuration file, with the real command. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { startHerdgate } from '../support/herdgate.ts'

test.each(['1', '2'])('limited tokens of a configuration file are in force, with %s workers', async (workers) => {
  const file = join(await temporaryFolder(), 'herdgate.yaml')
  await writeFile(
    file,
    `version: 1
admin:
  tokens:
    - { name: team-a, token: "\${TEAM_A_TOKEN}", tags: ["team-a:*"] }
    - { name: screen, token: the-token-of-the-screen, read: true }
`,
  )
  const flags = ['--config', file, '--origin', 'http://127.0.0.1:9', '--workers', workers]
  await using herdgate = await startHerdgate(flags, { TEAM_A_TOKEN: 'the-token-of-team-a' })
  const status = async (token: string, path: string, method: string): Promise<number> => {
    const response = await fetch(`${herdgate.admin}${path}`, { method, headers: { authorization: `Bearer ${token}` } })
    await response.arrayBuffer()
    return response.status
  }
  expect(await status('the-token-of-team-a', '/v1/purge/tags/team-a:x', 'POST')).toBe(200)
  expect(await status('the-token-of-team-a', '/v1/purge/tags/team-b', 'POST')).toBe(403)
  expect(await status('the-token-of-team-a', '/v1/stats', 'GET')).toBe(403)
  expect(await status('the-token-of-the-screen', '/v1/stats', 'GET')).toBe(200)
  expect(await status('the-token-of-the-screen', '/v1/config/reload', 'POST')).toBe(403)
})
