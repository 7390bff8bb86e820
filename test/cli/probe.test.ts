import { expect, test } from 'vitest'
import { probeTarget } from '../../src/cli/probe.ts'

const asked = (given?: string, env: Record<string, string> = {}, live = false) => probeTarget(given, env, live)?.href

test('asks the admin port of this host by default', () => {
  expect(asked()).toBe('http://127.0.0.1:9090/readyz')
  expect(asked(undefined, {}, true)).toBe('http://127.0.0.1:9090/livez')
})

test.each([
  [{ HERDGATE_ADMIN_PORT: '9191' }, 'http://127.0.0.1:9191/readyz'],
  [{ HERDGATE_ADMIN_HOST: '0.0.0.0' }, 'http://127.0.0.1:9090/readyz'],
  [{ HERDGATE_ADMIN_HOST: '::' }, 'http://[::1]:9090/readyz'],
  [{ HERDGATE_ADMIN_HOST: '10.0.0.5', HERDGATE_ADMIN_PORT: '1' }, 'http://10.0.0.5:1/readyz'],
  [{ HERDGATE_ADMIN_HOST: 'fd00::1' }, 'http://[fd00::1]:9090/readyz'],
  [{ HERDGATE_ADMIN_HOST: '[::1]' }, 'http://[::1]:9090/readyz'],
  [{ HERDGATE_ADMIN_HOST: '[::]' }, 'http://[::1]:9090/readyz'],
  [{ HERDGATE_ADMIN_HOST: '', HERDGATE_ADMIN_PORT: '' }, 'http://127.0.0.1:9090/readyz'],
  [{ HERDGATE_ADMIN_PORT: 'tcp://10.96.0.1:9090' }, 'http://127.0.0.1:9090/readyz'],
])('asks the address on which serve listens given the environment %o', (env, target) => {
  expect(asked(undefined, env)).toBe(target)
})

test.each([
  ['http://herdgate-admin:9090', 'http://herdgate-admin:9090/readyz'],
  ['http://herdgate-admin:9090/', 'http://herdgate-admin:9090/readyz'],
  ['http://herdgate:80/products/1?a=b', 'http://herdgate/products/1?a=b'],
  ['http://herdgate:80/?', 'http://herdgate/?'],
  ['http://herdgate:80/?a=b', 'http://herdgate/?a=b'],
])('a given URL takes precedence: %s', (given, target) => {
  expect(asked(given, { HERDGATE_ADMIN_PORT: '1' })).toBe(target)
})

test.each(['', 'herdgate:9090', '127.0.0.1:9090', 'https://a', 'file:///etc/passwd'])('refuses %j', (given) => {
  expect(asked(given)).toBeUndefined()
})
