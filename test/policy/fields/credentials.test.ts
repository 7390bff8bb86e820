import { expect, test } from 'vitest'
import { isCredentialed, SECRETS } from '../../../src/policy/fields/credentials.ts'
import { rulesWith } from '../support.ts'

const written = (name: string): string => name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase())

test.each(SECRETS)('a request with %s has credentials, however it is spelled', (name) => {
  for (const spelled of [name, written(name), name.toUpperCase()]) {
    expect(isCredentialed(['Accept', '*/*', spelled, 'x'], rulesWith())).toBe(true)
  }
  expect(isCredentialed([`${name}s`, 'x', name.slice(1), 'x', name.replace(/./, '_'), 'x'], rulesWith())).toBe(false)
})

test.each(['X_Api_Key', 'api_key'])('so has one with %s, which some origins read as if it had "-"', (name) => {
  expect(isCredentialed(['Accept', '*/*', name, 'x'], rulesWith({ cookies: 'rfc' }))).toBe(true)
})

test.each(['rfc', 'ignore'] as const)('with cookies: %s, cookies do not count as credentials', (cookies) => {
  const others = SECRETS.filter((name) => name !== 'cookie')
  expect(SECRETS.filter((name) => isCredentialed([name, 'x'], rulesWith({ cookies })))).toEqual(others)
})

test.each(['X-Api-Key', 'x_api_key'])(
  '%s does not count on a route that has it in its key or overrides responses',
  (name) => {
    const fields = [name, 'x']
    const key = { ...rulesWith().key, headers: ['x-api-key'] }
    expect(isCredentialed(fields, rulesWith({ key }))).toBe(false)
    expect(isCredentialed(fields, rulesWith({ key: { ...key, headers: ['x_api_key'] } }))).toBe(false)
    expect(isCredentialed(fields, rulesWith({ override: true }))).toBe(false)
    expect(isCredentialed([...fields, 'Api-Key', 'x'], rulesWith({ key }))).toBe(true)
    expect(isCredentialed(['Authorization', 'x'], rulesWith({ override: true }))).toBe(true)
  },
)
