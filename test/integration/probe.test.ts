import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { startHerdgate } from '../support/herdgate.ts'
import { type Origin, startOrigin } from '../support/http.ts'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

let admin: Origin | undefined

afterEach(async () => {
  await admin?.kill()
  admin = undefined
})

/** A server in the place of an admin port. */
async function answering(listener: RequestListener): Promise<string> {
  admin = await startOrigin(listener)
  return admin.url
}

async function probe(...args: string[]) {
  const child = spawn(process.execPath, [CLI, 'probe', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text))
  const [code] = await once(child, 'close')
  return { code, ...output }
}

test('a Herdgate that is ready and alive passes, one that has stopped does not', async () => {
  const herdgate = await startHerdgate(['--origin', 'http://127.0.0.1:9'])
  const [ready, live] = await Promise.all([probe(herdgate.admin), probe(herdgate.admin, '--live')])
  expect(ready).toEqual({ code: 0, out: `${herdgate.admin}/readyz: 200 {"status":"ready"}\n`, err: '' })
  expect(live).toEqual({ code: 0, out: `${herdgate.admin}/livez: 200 {"status":"alive"}\n`, err: '' })
  await herdgate.stop()
  const ended = await probe(herdgate.admin)
  expect(ended).toEqual({ code: 1, out: '', err: `herdgate: ${herdgate.admin}/readyz: ECONNREFUSED\n` })
})

test('one that is not ready fails, and says what it answered', async () => {
  const url = await answering((_request, response) => response.writeHead(503).end('draining'))
  expect(await probe(url)).toEqual({ code: 1, out: `${url}/readyz: 503 draining\n`, err: '' })
})

test.each([
  ['nothing', () => {}],
  ['half an answer', (_request, response) => void response.writeHead(200).write('{')],
] satisfies [string, RequestListener][])('a probe that gets %s in time fails', async (_name, listener) => {
  const url = await answering(listener)
  const { code, err } = await probe(url, '--timeout', '300ms')
  expect({ code, err }).toEqual({ code: 1, err: `herdgate: ${url}/readyz: no answer within 300ms\n` })
})

test('shows the beginning of an endless answer, without control characters', async () => {
  const url = await answering((_request, response) => {
    response.writeHead(200)
    const more = setInterval(() => response.write(`\u001B[2J${'x'.repeat(4096)}`), 1)
    response.on('close', () => clearInterval(more))
  })
  const { code, out } = await probe(url)
  expect(code).toBe(0)
  expect(out.length).toBeLessThan(1024)
  expect(out).toContain(String.raw`200 \x1b[2Jxxx`)
})

test.each([
  [['https://a'], /expected a URL such as http:/],
  [['--timeout', 'soon'], /--timeout: expected a duration/],
  [['--timeout', '0s'], /--timeout: expected a duration/],
  [['--lively'], /unknown option '--lively'/],
])('wrong usage exits with 2: %s', async (args, message) => {
  const { code, out, err } = await probe(...args)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(message)
})
