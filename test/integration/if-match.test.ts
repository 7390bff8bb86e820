import { expect, test } from 'vitest'
import { herdgate, start } from '../support/before-raw-origin.ts'
import { get } from '../support/http.ts'
import { ok } from '../support/raw-origin.ts'

test('If-Match is evaluated by the origin', async () => {
  await start(({ socket, head }) =>
    socket.write(
      /if-match: "zz"/i.test(head)
        ? 'HTTP/1.1 412 No\r\nContent-Length: 0\r\n\r\n'
        : ok('x', 'Cache-Control: max-age=60\r\n'),
    ),
  )
  await get(`${herdgate.url}/x`)
  expect((await get(`${herdgate.url}/x`, { headers: { 'If-Match': '"zz"' } })).status).toBe(412)
})
