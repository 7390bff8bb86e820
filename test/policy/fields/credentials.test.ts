import { expect, test } from 'vitest'
import { isCredentialed, SECRETS } from '../../../src/policy/fields/credentials.ts'

const written = (name: string): string => name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase())

test.each(SECRETS)('a request with %s has credentials, however it is spelled', (name) => {
  for (const spelled of [name, written(name), name.toUpperCase()]) {
    expect(isCredentialed(['Accept', '*/*', spelled, 'x'], 'safe')).toBe(true)
  }
  expect(isCredentialed([`${name}s`, 'x', name.slice(1), 'x', name.replace(/./, '_'), 'x'], 'safe')).toBe(false)
})

test.each(['X_Api_Key', 'api_key'])('so has one with %s, which some origins read as if it had "-"', (name) => {
  expect(isCredentialed(['Accept', '*/*', name, 'x'], 'rfc')).toBe(true)
})

test.each(['rfc', 'ignore'] as const)('with cookies: %s, cookies do not count as credentials', (cookies) => {
  const others = SECRETS.filter((name) => name !== 'cookie')
  expect(SECRETS.filter((name) => isCredentialed([name, 'x'], cookies))).toEqual(others)
})
