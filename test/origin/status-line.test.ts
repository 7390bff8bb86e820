import { describe, expect, test } from 'vitest'
import { StatusLines } from '../../src/origin/status-line.ts'
import fc from '../support/fast-check.ts'

/** What is left of octets received in these pieces after a request was sent. */
function scanned(...pieces: readonly string[]): string {
  const lines = new StatusLines()
  lines.begin()
  return pieces
    .map((piece) => {
      const chunk = Buffer.from(piece, 'latin1')
      if (lines.isHeadDue) lines.scan(chunk)
      return chunk.toString('latin1')
    })
    .join('')
}

const FINAL = 'HTTP/1.1 200 OK\r\nX: HTTP/1.1 100\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'

describe('100 Continue is disguised', () => {
  test.each([
    ['alone', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 109 Continue\r\n\r\n'],
    [
      'with fields',
      'HTTP/1.1 100 Go\r\nA: b\r\n\r\nHTTP/1.1 100 Go\r\n\r\n',
      'HTTP/1.1 109 Go\r\nA: b\r\n\r\nHTTP/1.1 109 Go\r\n\r\n',
    ],
    ['after empty lines', '\r\n\nHTTP/1.1 100\r\n\r\n', '\r\n\nHTTP/1.1 109\r\n\r\n'],
    ['after another', 'HTTP/1.1 103\r\n\r\nHTTP/1.1 100\r\n\r\n', 'HTTP/1.1 103\r\n\r\nHTTP/1.1 109\r\n\r\n'],
  ])('%s', (_where, sent, left) => {
    expect(scanned(sent + FINAL)).toBe(left + FINAL)
  })

  test('in whatever chunks it arrives', () => {
    const sent = `HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\nHTTP/1.1 100 Continue\r\nA: b\r\n\r\n${FINAL}`
    const cuts = fc.uniqueArray(fc.nat(sent.length), { maxLength: 8 })
    fc.assert(
      fc.property(cuts, (at) => {
        const ends = [0, ...at.toSorted((a, b) => a - b), sent.length]
        const pieces = ends.slice(1).map((end, index) => sent.slice(ends[index], end))
        expect(scanned(...pieces)).toBe(sent.replace('100 Continue\r\nA', '109 Continue\r\nA'))
      }),
    )
  })
})

test.each(['101', '102', '103', '110', '199', '200', '010'])('%s is left unchanged', (code) => {
  const sent = `HTTP/1.1 ${code} Odd\r\n\r\n`
  expect(scanned(sent)).toBe(sent)
})

test('nothing after the final head is read', () => {
  const lines = new StatusLines()
  lines.begin()
  lines.scan(Buffer.from(FINAL))
  expect(lines.isHeadDue).toBe(false)
})
