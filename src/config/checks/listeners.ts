/** The two ports differ, and the admin port is not open to others without a token. */
import { isLoopback, overlap } from '../addresses.ts'
import type { Fault } from '../fault.ts'
import { mapAt } from '../raw-values.ts'
import { isGiven, type Listeners, listeners, type Sources } from '../sources.ts'

export function listenerFaults(sources: Sources): Fault[] {
  const used = listeners(sources)
  return [...openAdminFaults(sources, used), ...samePortFaults(used)]
}

function openAdminFaults({ flags, env, document }: Sources, { adminHost, where }: Listeners): Fault[] {
  const hasToken = isGiven('adminToken', flags, env) || mapAt(document?.value, 'admin')['token'] !== undefined
  if (isLoopback(adminHost) || hasToken) return []
  const ways = '--admin-token, HERDGATE_ADMIN_TOKEN, HERDGATE_ADMIN_TOKEN_FILE or admin.token'
  const message = `required: expected a token (${ways}), as the admin port would be open to others on ${adminHost}`
  return [{ where: where('adminHost') ?? '--admin-host', key: 'admin.token', message }]
}

function samePortFaults({ host, port, adminHost, adminPort, where }: Listeners): Fault[] {
  if (port !== adminPort || port === 0 || !overlap(host, adminHost)) return []
  const admin = where('adminPort')
  const [place, key, other] =
    admin === undefined ? [where('port'), 'listen.port', 'admin'] : [admin, 'admin.port', 'data']
  return [{ where: place ?? '--port', key, message: `expected a port other than ${port}, which is the ${other} port` }]
}
