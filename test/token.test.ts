import { expect, it } from 'vitest'
import { LOWER_CASE_TOKEN, TOKEN } from '../src/token.ts'

const OCTETS = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
const VISIBLE = OCTETS.slice(0x21, 0x7f)

it('accepts visible ASCII except delimiters (RFC 9110 section 5.6.2)', () => {
  expect(OCTETS.filter((octet) => TOKEN.test(octet))).toEqual(
    VISIBLE.filter((octet) => !'"(),/:;<=>?@[\\]{}'.includes(octet)),
  )
})

it('rejects upper case where names are normalised', () => {
  const others = VISIBLE.filter((octet) => TOKEN.test(octet) && !/[A-Z]/.test(octet))
  expect(OCTETS.filter((octet) => LOWER_CASE_TOKEN.test(octet))).toEqual(others)
})

it.each(['', 'a b', 'a\n', '\u212a'])('rejects %j', (text) => {
  expect(TOKEN.test(text)).toBe(false)
  expect(LOWER_CASE_TOKEN.test(text)).toBe(false)
})
