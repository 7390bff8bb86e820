import { expect, test } from 'vitest'
import { admit } from '../../src/policy/request-checks.ts'
import { requestWith, routeWith } from './support.ts'

const routes = [routeWith({ name: 'api', match: { host: 'a.test', path: '/api/*' } })]
const admitted = (url: string, headers: Record<string, string> = {}) => admit(routes, requestWith(headers, { url }))

test('a request is admitted to the route that matches it', () => {
  expect(admitted('http://a.test/api/x', { Connection: 'close, x-a', Via: '1.1 other' })).toEqual({
    kind: 'admitted',
    route: routes[0],
  })
})

test.each([
  ['no route is for its host', 'http://b.test/api/x', {}, '', 'misdirected'],
  ['no route is for its path', 'http://a.test/', {}, '', 'unknown_route'],
  ['it has passed through here before', 'http://a.test/api/x', { Via: '1.1 other, 1.1 herdgate' }, 'api', 'loop'],
  ['Connection names Host', 'http://a.test/api/x', { Connection: 'host' }, 'api', 'malformed_request'],
])('a request is refused: %s', (_, url, headers, route, code) => {
  expect(admitted(url, headers)).toMatchObject({ kind: 'refused', route, error: { code } })
})
