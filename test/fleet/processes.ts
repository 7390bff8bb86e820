/** Members in processes of their own, and the origin they reach over HTTP. */
import { startFleetNode } from '../support/fleet.ts'
import { get } from '../support/http.ts'
import { SITE, type StartMember } from './member.ts'
import { type Served, serve } from './origin-server.ts'
import { UNSTATED } from './resources.ts'

export interface Processes extends AsyncDisposable {
  readonly start: StartMember
}

/** Starts members of one fleet; all use the origin of the first. */
export function processes(): Processes {
  let served: Promise<Served> | undefined
  return {
    async start({ name, redisPort, prefix, leaseMs, origin }) {
      served ??= serve(origin)
      const { url } = await served
      const route = { ttl: `${UNSTATED.ttl}ms`, softTimeout: `${UNSTATED.softTimeout}ms` }
      const { herdgate, link, stop } = await startFleetNode({ origin: url, redisPort, prefix, leaseMs, route })
      return {
        name,
        link,
        async get(path, headers) {
          const { host } = new URL(SITE)
          const answer = await get(herdgate.url + path, { headers: { host, ...headers } })
          return { status: answer.status, content: answer.body, cacheStatus: answer.cacheStatus, inStep: false }
        },
        purge: async (mode, targets) => ({ status: (await herdgate.ask(`/v1/${mode}`, targets)).status }),
        stop: () => stop(),
        crash: () => stop('SIGKILL'),
      }
    },
    async [Symbol.asyncDispose]() {
      await (await served)?.[Symbol.asyncDispose]()
    },
  }
}
