/** Response splitting: line breaks that an origin copies from a request into the head of its answer. */
import { expect } from 'vitest'
import { type Attack, PASSED, REFUSED, request, table } from './attack.ts'

const redirected = (location: string): string => `{path}?location=${encodeURIComponent(location)}`

const row = (name: string, location: string, status: number): Attack => ({
  id: 'R1',
  name,
  ...PASSED,
  answers: [status],
  origin: [`GET ${redirected(location)}`],
  send: request(`GET ${redirected(location)}`),
  also: ([answer]) => expect(answer?.head).not.toMatch(status === 502 ? /evil|location/i : /^HTTP\/1.1 200/m),
})

/** A second answer after the first. */
const SECOND = 'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\nevil'

table('splitting', [
  row('LF in a value', 'a\nSet-Cookie: evil=1', 502),
  row('CR in a value', 'a\rSet-Cookie: evil=1', 502),
  row('NUL in a value', 'a\0evil', 502),
  row('VT in a value', 'a\x0bevil', 502),
  row('a folded line', 'a\r\n evil', 502),
  row('a field that sets a cookie', 'a\r\nSet-Cookie: evil=1', 302),
  row('a field that forges a hit', 'a\r\nAge: 9\r\nCache-Status: evil; hit', 302),
  row('a second length', 'a\r\nContent-Length: 4', 502),
  row('a coding', 'a\r\nTransfer-Encoding: chunked', 502),
  row('octets behind the answer', 'a\r\nContent-Length: 0\r\n\r\n<evil>', 302),
  row('a second answer', `a\r\nContent-Length: 0\r\n\r\n${SECOND}`, 302),
  row('a second answer as content', `a\r\nContent-Length: ${SECOND.length}\r\n\r\n${SECOND}`, 302),
  row('a hundred second answers', `a\r\nContent-Length: 0\r\n\r\n${SECOND.repeat(100)}`, 302),
  ...['\r\n', '\n', '\r'].map((end) => ({
    id: 'R1',
    name: `${JSON.stringify(end)} unencoded in the target`,
    ...REFUSED,
    send: request(`GET {path}?location=a${end}Set-Cookie:evil=1`),
  })),
])
