import { describe, expect, test } from 'vitest'
import { faultLines, faults, notes, ORIGIN, valid } from './given.ts'

describe('the environment', () => {
  test.each(['HERDGATE_TAPE', 'HERDGATE_THREADS'])(
    '%s is an unknown variable, and no similar name is suggested',
    (name) => {
      expect(faultLines({ flags: ORIGIN, env: { [name]: 'x' } })).toEqual([`${name} : unknown environment variable`])
    },
  )

  test('other variables are ignored', () => {
    expect(faults({ flags: ORIGIN, env: { REDIS_URL: 'redis://x', PATH: '/bin', TTL: 'x' } })).toEqual([])
  })

  test('variables that Kubernetes sets for a Service named herdgate are ignored', () => {
    const env = {
      HERDGATE_SERVICE_HOST: '10.0.0.1',
      HERDGATE_SERVICE_PORT: '8080',
      HERDGATE_SERVICE_PORT_HTTP: '8080',
      HERDGATE_PORT: 'tcp://10.0.0.1:8080',
      HERDGATE_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
      HERDGATE_PORT_8080_TCP_ADDR: '10.0.0.1',
      HERDGATE_ADMIN_SERVICE_HOST: '10.0.0.2',
      HERDGATE_ADMIN_PORT: 'tcp://10.0.0.2:9090',
    }
    expect(valid({ flags: ORIGIN, env })).toMatchObject({ listen: { port: 8080 }, admin: { port: 9090 } })
    expect(notes({ flags: ORIGIN, env })).toHaveLength(2)
  })
})
