import { errors } from 'undici'
import { describe, expect, test } from 'vitest'
import { HerdgateError } from '../../src/errors.ts'
import { failure, isConnectionLoss, type Stage } from '../../src/origin/failure.ts'

const errno = (code: string): Error => Object.assign(new Error(`${code} happened`), { code })

describe('failure', () => {
  test.each<[Stage, Error, string]>([
    ['connect', errno('ECONNREFUSED'), 'origin_refused'],
    ['connect', errno('ENOTFOUND'), 'origin_refused'],
    ['connect', errno('EAI_AGAIN'), 'origin_refused'],
    ['connect', errno('EHOSTUNREACH'), 'origin_refused'],
    ['connect', errno('ECONNRESET'), 'origin_refused'],
    ['connect', errno('DEPTH_ZERO_SELF_SIGNED_CERT'), 'origin_refused'],
    ['connect', errno('ERR_TLS_CERT_ALTNAME_INVALID'), 'origin_refused'],
    ['connect', new AggregateError([errno('ECONNREFUSED')]), 'origin_refused'],
    ['connect', new errors.ConnectTimeoutError(), 'origin_timeout'],
    ['connect', errno('ETIMEDOUT'), 'origin_timeout'],
    ['connect', errno('EMFILE'), 'overloaded'],
    ['connect', errno('EADDRNOTAVAIL'), 'overloaded'],
    ['connect', new errors.InvalidArgumentError('invalid request path'), 'malformed_request'],
    ['head', errno('ECONNRESET'), 'origin_reset'],
    ['head', errno('EPIPE'), 'origin_reset'],
    ['head', errno('EHOSTUNREACH'), 'origin_reset'],
    ['head', errno('ETIMEDOUT'), 'origin_timeout'],
    ['head', new errors.SocketError('other side closed'), 'origin_reset'],
    ['head', new errors.SocketError('bad response'), 'origin_invalid'],
    ['head', new errors.SocketError('bad upgrade'), 'origin_invalid'],
    ['head', new errors.HTTPParserError('Invalid header token'), 'origin_invalid'],
    ['head', errno('HPE_INVALID_HEADER_TOKEN'), 'origin_invalid'],
    ['head', new errors.HeadersOverflowError(), 'origin_invalid'],
    ['head', new errors.ResponseContentLengthMismatchError(), 'origin_invalid'],
    ['head', new errors.RequestContentLengthMismatchError(), 'malformed_request'],
    ['head', new errors.ClientDestroyedError(), 'origin_reset'],
    ['head', new TypeError('a mistake of ours'), 'internal'],
    ['body', errno('ECONNRESET'), 'origin_reset'],
    ['body', new errors.SocketError('other side closed'), 'origin_reset'],
    ['body', new errors.ResponseContentLengthMismatchError(), 'origin_reset'],
    ['body', new errors.HTTPParserError('... (Invalid EOF state)'), 'origin_reset'],
    ['body', new errors.HTTPParserError('... (Invalid character in chunk size)'), 'origin_invalid'],
  ])('at stage %s maps %s to %s', (stage, cause, code) => {
    const error = failure(cause, stage, 'api.internal:3000')
    expect(error).toMatchObject({ code, cause })
    expect(error.message).toMatch(/^api\.internal:3000: ./)
  })

  test('reports for each address of a host why it cannot be reached', () => {
    const cause = new AggregateError([
      new Error('connect ECONNREFUSED ::1:9'),
      new Error('connect ETIMEDOUT 10.0.0.5:9'),
    ])
    const { message } = failure(cause, 'connect', 'api:9')
    expect(message).toBe('api:9: connect ECONNREFUSED ::1:9; connect ETIMEDOUT 10.0.0.5:9')
  })

  test('leaves errors with a code as they are', () => {
    const error = new HerdgateError('client_gone')
    expect(failure(error, 'body', 'api')).toBe(error)
  })

  test('accepts thrown values that are not errors', () => {
    expect(failure('odd', 'head', 'api')).toMatchObject({ code: 'internal', message: 'api: odd' })
  })
})

test('a connection that ended is distinguished from one with invalid content', () => {
  expect(isConnectionLoss(errno('ECONNRESET'))).toBe(true)
  expect(isConnectionLoss(new errors.SocketError('other side closed'))).toBe(true)
  expect(isConnectionLoss(new errors.SocketError('bad response'))).toBe(false)
  expect(isConnectionLoss(new errors.HTTPParserError('x'))).toBe(false)
  expect(isConnectionLoss('ECONNRESET')).toBe(false)
})
