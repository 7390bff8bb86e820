/** Chunked content (RFC 9112 section 7.1). The head is valid, so part may reach the origin before an invalid chunk. */
import { type Attack, PASSED, request, table } from './attack.ts'

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n'
const chunked = (content: string, method: string = 'POST'): string =>
  request(`${method} {path}`, 'Transfer-Encoding: chunked') + content

const broken = (name: string, content: string): Attack => ({
  id: 'S9',
  name,
  answers: [400],
  closed: true,
  origin: [],
  breaksOff: true,
  send: chunked(content),
})

const SIZES: readonly Attack[] = [
  '5 ',
  '5\t',
  ' 5',
  '\t5',
  '0x5',
  '0X5',
  '+5',
  '-5',
  '5_0',
  '5.0',
  '5g',
  'g5',
  '',
  ' ',
  '\x005',
  '5\x00',
  '\xb5',
  '\xd9\xa5',
  'FFFFFFFFFFFFFFFF0',
  '10000000000000005',
  '100000000000000000000000000000005',
  '5\r',
  '5\r\r',
  '\r\n5',
  '5, 5',
].map((size) => broken(`size ${JSON.stringify(size)}`, `${size}\r\nhello\r\n0\r\n\r\n${SMUGGLED}`))

const EXTENSIONS: readonly Attack[] = [
  ';\x00ext',
  ';a\rb',
  ';a\nb',
  ';a=b\nGET /smuggled',
  ';a="b\nc"',
  ';a="b\r\n',
  ';a=\x7f',
  ' ;a',
  `;${'a'.repeat(64 * 1024)}`,
].map((extension) =>
  broken(`extension ${JSON.stringify(extension.slice(0, 20))}`, `5${extension}\r\nhello\r\n0\r\n\r\n${SMUGGLED}`),
)

const ENDS: readonly Attack[] = [
  broken('LF behind the size', `5\nhello\r\n0\r\n\r\n${SMUGGLED}`),
  broken('LF behind the data', `5\r\nhello\n0\r\n\r\n${SMUGGLED}`),
  broken('nothing behind the data', `5\r\nhello0\r\n\r\n${SMUGGLED}`),
  broken('two octets in place of the line end', `5\r\nhelloXX0\r\n\r\n${SMUGGLED}`),
  broken('more data than its size', `5\r\nhello world\r\n0\r\n\r\n${SMUGGLED}`),
  broken('CR behind the last chunk', `5\r\nhello\r\n0\r\rX${SMUGGLED}`),
  broken('LF behind the last chunk', `5\r\nhello\r\n0\n\n${SMUGGLED}`),
  broken('a malformed trailer', `0\r\nX\x00: y\r\n\r\n${SMUGGLED}`),
  broken('a folded trailer', `0\r\nX: y\r\n z\r\n\r\n${SMUGGLED}`),
  broken('a trailer without a colon', `0\r\nX\r\n\r\n${SMUGGLED}`),
  broken('Content-Length in a trailer', `0\r\nContent-Length: 5\r\n\r\n${SMUGGLED}`),
  broken('Transfer-Encoding in a trailer', `0\r\nTransfer-Encoding: chunked\r\n\r\n${SMUGGLED}`),
  { ...broken('a trailer of 64 KiB', `0\r\nX: ${'y'.repeat(64 * 1024)}\r\n\r\n${SMUGGLED}`), answers: [431] },
]

const GOOD: readonly Attack[] = [
  { name: 'in lower case', content: 'a\r\n0123456789\r\n0\r\n\r\n' },
  { name: 'in upper case', content: 'A\r\n0123456789\r\n0\r\n\r\n' },
  { name: 'with leading zeros', content: '000a\r\n0123456789\r\n000\r\n\r\n' },
  { name: 'with an extension', content: 'a;x=y;z="q"\r\n0123456789\r\n0;x\r\n\r\n' },
].map(({ name, content }) => ({
  id: 'S9',
  name: `a size ${name} is a size`,
  ...PASSED,
  origin: ['POST {path}'],
  send: chunked(content),
  also: (_answers, [seen]) => {
    if (seen?.content !== '0123456789') throw new Error(`the origin got ${seen?.content}`)
  },
}))

const TRAILERS: readonly Attack[] = [
  'Content_Length: 5',
  'Host: evil',
  'X-Forwarded-For: evil',
  'Authorization: evil',
  'Cookie: evil',
  'X-HTTP-Method-Override: DELETE',
  'Connection: close, X', // after it the parser accepts no further request
].map((line) => ({
  id: 'S9',
  name: `trailer ${line} ends here`,
  ...PASSED,
  origin: ['POST {path}'],
  last: line.startsWith('Connection'),
  send: chunked(`2\r\nok\r\n0\r\n${line}\r\n\r\n`),
  also: (_answers, [seen]) => {
    if (/evil|delete/i.test(String(seen?.fields))) throw new Error(`the origin got ${seen?.fields.join()}`)
  },
}))

table('chunks', [...SIZES, ...EXTENSIONS, ...ENDS, ...GOOD, ...TRAILERS])
