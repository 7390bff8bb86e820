/** Members built from the real library, many in one process. */
import { systemClock } from '../../src/clock.ts'
import { DEFAULT_RULES } from '../../src/config/defaults.ts'
import { createCache } from '../../src/library/embed.ts'
import { Events } from '../../src/events.ts'
import { field } from '../../src/fields.ts'
import type { Awaitable, Clock, InvalidationLog, Sharing, Store } from '../../src/model.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { text } from '../support/world.ts'
import { type Member, type MemberOptions, SITE, type StartMember } from './member.ts'
import { UNSTATED } from './resources.ts'
import { fieldsOf } from '../support/fields.ts'

/** The fleet of a member, and its connection to Redis. */
export interface Place {
  readonly name: string
  /** URL of Redis, through the member's own fault proxy. */
  readonly url: string
  readonly prefix: string
  readonly leaseMs: number
  readonly clock: Clock
  readonly events: Events
}

/** The parts that a member is built from. */
export interface Parts {
  readonly store: Store
  readonly log: InvalidationLog
  readonly sharing: Sharing
}

export type Build = (place: Place) => Awaitable<Parts>

export function inProcess(build: Build): StartMember {
  return async (options) => {
    const link = await startFaultProxy({ port: options.redisPort })
    return start(options, build, link)
  }
}

async function start(
  { name, prefix, leaseMs, clockOffsetMs, origin }: MemberOptions,
  build: Build,
  link: Member['link'],
): Promise<Member> {
  const clock: Clock = { now: () => systemClock.now() + clockOffsetMs, after: systemClock.after }
  const events = new Events()
  const url = `redis://127.0.0.1:${link.port}`
  const parts = await build({ name, url, prefix, leaseMs, clock, events })
  const routes = [{ name: 'default', match: {}, origin, rules: { ...DEFAULT_RULES, ...UNSTATED } }]
  const cache = createCache({ ...parts, clock, events, routes })
  await parts.log.started
  let lastInStep = -Infinity
  return {
    name,
    link,
    async get(path, headers) {
      const { synced: inStep, generation, position } = parts.log
      const log = `${generation} ${position}`
      if (inStep) lastInStep = performance.now()
      const known = { inStep, lastInStep, log }
      const reply = await cache.handle({
        method: 'GET',
        url: SITE + path,
        fields: fieldsOf({ Host: 'shop.test', ...headers }),
      })
      const content = await text(reply.body)
      return { status: reply.status, content, cacheStatus: field(reply.fields, 'cache-status') ?? '', ...known }
    },
    purge: (mode, targets) =>
      cache[mode](targets).then(
        ({ position, nodes }) => {
          const known = parts.log.nodes().map((node) => `${node.id} ${node.position}`)
          const log = `${position}, ${nodes.acked} of ${nodes.expected} acknowledged: ${known.join(', ')}`
          return { status: nodes.acked >= nodes.expected ? 200 : 202, log } // as routes/admin/purge.ts does
        },
        (error: unknown) => ({ status: 503, log: String(error) }),
      ),
    async stop() {
      await cache.close()
      await link.close()
    },
    async crash() {
      await link.close()
      await cache.close()
    },
  }
}
