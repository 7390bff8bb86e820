/** The configuration file: its keys, what each accepts and what each is for. */
import * as z from 'zod'
import * as leaf from './leaves.ts'
import { expected } from './fault.ts'
import { match } from './match.ts'

const listen = z.strictObject({
  host: leaf.host.optional().meta({ description: 'Address or name the data port listens on.', default: '0.0.0.0' }),
  port: leaf.port.optional().meta({ description: 'Data port; 0 takes any free one.', default: 8080 }),
  trustProxy: leaf.networks
    .optional()
    .describe(
      'Addresses or CIDR blocks (or "loopback") of the proxies in front whose Forwarded and X-Forwarded-* fields are trusted.',
    ),
  drainDelay: leaf.drainDelay.optional().meta({
    description:
      'How long requests are still accepted after SIGTERM, while /readyz already answers 503 to load balancers.',
    default: '0s',
  }),
  via: leaf.pseudonym.optional().meta({
    description:
      'Name of this cache in Via. A request that already bears it has looped and gets 508, so each Herdgate in a chain needs a different one.',
    default: 'herdgate',
  }),
})

/** Says what was expected without repeating the value, which may be a token in the wrong place. */
const unshown = (phrase: string) => ({
  error: ({ code }: { readonly code?: string }) => (code === 'invalid_type' ? `expected ${phrase}` : undefined),
})

/** Each is compared with every request's. */
const MAX_LIMITED_TOKENS = 64

const limitedToken = z.strictObject(
  {
    name: leaf.name.describe('Unique; says in the log whose purge it was.'),
    token: leaf.token.describe('The bearer token; no other may be the same.'),
    read: leaf.boolean.prefault(false).describe('Whether it may read statistics, explanations and live events.'),
    tags: leaf.tagPatterns
      .prefault([])
      .describe('Tags it may purge and invalidate; a trailing "*" matches any ending.'),
    prefixes: leaf.urlPrefixes
      .prefault([])
      .describe('URLs it may purge and invalidate: these and everything below, whatever the scheme.'),
  },
  unshown('a map with name and token'),
)

const admin = z.strictObject({
  host: leaf.host.optional().meta({
    description: 'Address or name the admin port listens on. Any other than loopback requires a token.',
    default: '127.0.0.1',
  }),
  port: leaf.port.optional().meta({ description: 'Admin port; 0 takes any free one.', default: 9090 }),
  token: leaf.token
    .optional()
    .describe('Bearer token of the admin API. When absent, a random one is printed at start.'),
  tokens: z
    .array(limitedToken, unshown('a list of maps'))
    .max(MAX_LIMITED_TOKENS, { error: `expected at most ${MAX_LIMITED_TOKENS} tokens` })
    .optional()
    .describe('More tokens, each of which may do only what it says.'),
})

const origin = z.strictObject({
  urls: leaf.originUrls.describe(
    'Base URLs of one origin, used in rotation. A path in a URL is prepended to every request target.',
  ),
  connectTimeout: leaf.timeout.prefault('2s').describe('Time to establish a connection.'),
  headersTimeout: leaf.timeout.prefault('30s').describe('Time from sending the request to the complete response head.'),
  bodyTimeout: leaf.timeout.prefault('30s').describe('Longest pause within a response body.'),
  totalTimeout: leaf.timeout
    .prefault('6h')
    .describe('Time from the response head to the end of the body, however steadily it arrives.'),
  maxConcurrency: leaf.concurrency
    .prefault(1024)
    .describe('Requests in progress at once, over all URLs of the origin.'),
})

const key = z.strictObject({
  query: z
    .strictObject({
      sort: leaf.boolean.prefault(false).describe('Ignore the order of query parameters.'),
      ignore: z
        .array(leaf.parameterPattern)
        .prefault([])
        .describe(
          'Query parameters left out of the key and of the request to the origin; a trailing "*" matches any ending.',
        ),
    })
    .prefault({})
    .describe('How the query takes part in the key.'),
  headers: z
    .array(leaf.fieldName)
    .prefault([])
    .describe(
      'Request fields whose value is part of the key. With authorization here and override: true, each client gets copies of its own.',
    ),
  cookies: z.array(leaf.cookieName).prefault([]).describe('Cookies whose value is part of the key.'),
})

const route = z.strictObject({
  name: leaf.name.describe('Unique; part of every key and the route label of metrics.'),
  match: match.prefault({}).describe('Which requests the route matches; a key that is absent matches all of them.'),
  origin: leaf.name.describe('Name of the origin that requests are forwarded to.'),
  ttl: leaf.duration.optional().describe('Lifetime for responses that state none.'),
  override: leaf.boolean.prefault(false).describe("ttl, statusTtl and grace win over the response's own directives."),
  grace: leaf.duration.optional().meta({
    description: 'How long past expiry a copy may still be used when the origin fails or is slow.',
    default: '1h',
  }),
  softTimeout: leaf.softTimeout
    .optional()
    .describe(
      'When a refresh takes longer, the stale copy is served and the refresh goes on; 0s is stale-while-revalidate.',
    ),
  refreshAhead: leaf.share
    .optional()
    .describe('A hit after this share of the lifetime refreshes in the background; off when absent.'),
  cookies: leaf.cookieMode.optional().meta({
    description: 'How cookies affect caching: safe stores nothing personal, rfc follows RFC 9111, ignore drops them.',
    default: 'safe',
  }),
  errorTtlMax: leaf.duration
    .prefault('30s')
    .describe('Longest lifetime of an error other than 404, 405, 410, 414, 451 and 501. Does not limit statusTtl.'),
  tags: leaf.tags.prefault([]).describe("Added to the response's own tags."),
  key: key.prefault({}).describe('What the key contains besides the name of the route and the URL.'),
  statusTtl: z
    .record(leaf.statusCode, leaf.duration)
    .prefault({})
    .describe('Lifetime by status code, in place of ttl.'),
  bypass: leaf.boolean.prefault(false).describe('Pass everything to the origin; neither look up nor store.'),
  webSockets: leaf.boolean
    .prefault(true)
    .describe('Tunnel WebSockets; false: a handshake is forwarded without Upgrade, as a plain request.'),
})

const limits = z.strictObject({
  maxConnections: leaf.concurrency.optional().meta({
    description:
      'Client connections at once; further ones are closed as they arrive. With little memory the default is lower: as many as fit in, each with a large head.',
    default: 10_000,
  }),
  headBytes: leaf.headSize
    .prefault('16KiB')
    .describe('Largest request head, at least 1KiB; a larger one is answered 431.'),
  headTimeout: leaf.timeout.prefault('10s').describe('Time to receive a request head; a slower one is answered 408.'),
  idleTimeout: leaf.timeout
    .prefault('65s')
    .describe('How long a connection may stay idle between requests. Should exceed that of a load balancer in front.'),
  minRate: leaf.size
    .prefault('1KiB')
    .describe(
      'Content per second that a client must send or read. One that is slower is disconnected; time in which Herdgate or the origin keeps it waiting does not count.',
    ),
  minRateWindow: leaf.timeout.prefault('60s').describe('Time over which minRate is measured.'),
  maxWaiting: leaf.concurrency
    .prefault(10_000)
    .describe('Requests that wait for origins at once; further ones get a stale copy or 503.'),
  maxBodiesInProgress: leaf.size.optional().meta({
    description:
      'Memory for bodies being received for storage, and for large ones that clients are still receiving although they are not in the memory store; further ones are passed on and not stored. In a container with a memory limit: an eighth of it.',
    default: '256MiB',
  }),
})

const memory = z.strictObject({
  maxBytes: leaf.size.optional().meta({
    description: 'Memory for stored responses. In a container with a memory limit: a share of it, see docs/sizing.md.',
    default: '256MiB',
  }),
  maxObjectBytes: leaf.size.prefault('8MiB').describe('Larger bodies are passed on and not stored.'),
  admission: leaf.onOff
    .prefault('on')
    .describe(
      'on: a full store admits only what saves more than what it must evict. off: evict the least recently used.',
    ),
})

const disk = z.strictObject({
  path: leaf.path
    .optional()
    .describe('Folder of the store. Only Herdgate may write to it. Required here or by --disk.'),
  maxBytes: leaf.size.optional().meta({ description: 'Space for stored responses.', default: '10GiB' }),
})

const redis = z.strictObject({
  url: leaf.redisUrl
    .optional()
    .describe(
      'redis://, rediss://, redis+cluster://h:p,h:p or redis+sentinel://h:p,h:p/name. Required here or by --redis or REDIS_URL.',
    ),
  prefix: leaf.redisPrefix.optional().meta({ description: 'Prefix of its keys.', default: 'herdgate' }),
  deadline: leaf.timeout
    .prefault('50ms')
    .describe('Time limit for one command; after that, Herdgate goes on without the answer.'),
  maxObjectBytes: leaf.size.prefault('1MiB').describe('Larger bodies are stored only in the other tiers.'),
  secret: leaf.seal
    .optional()
    .describe('Seals what is stored (HMAC), so that write access to Redis is not enough to forge responses.'),
})

const faults = {
  errorRate: leaf.rate.prefault(0).describe('Share of operations that fail.'),
  delay: leaf.delay.prefault('0ms').describe('Added latency: 20ms, or a range such as 20ms..200ms.'),
  partition: z
    .strictObject({
      every: leaf.timeout.describe('Length of a cycle.'),
      for: leaf.timeout.describe('How long it is out of reach, at the end of each cycle; shorter than every.'),
    })
    .refine((partition) => partition.for < partition.every, {
      path: ['for'],
      error: 'expected a duration shorter than every',
    })
    .optional()
    .describe('Periodically out of reach.'),
}

const withDamage = z.strictObject({
  ...faults,
  corruption: leaf.rate.prefault(0).describe('Share of answers that arrive damaged.'),
})

/** Memory keeps objects, not octets: there is nothing to damage on the way. */
const withoutDamage = z.strictObject({ ...faults }).transform((given) => ({ ...given, corruption: 0 }))

const chaos = z.strictObject({
  seed: leaf.seed.prefault(1).describe('The same seed gives the same faults for the same order of operations.'),
  store: z
    .strictObject({
      memory: withoutDamage.optional().describe('Faults of look-ups and writes in memory.'),
      disk: withDamage.optional().describe('Faults of look-ups and writes on disk.'),
      redis: withDamage.optional().describe('Faults of look-ups, writes, purges and leases in Redis.'),
    })
    .prefault({})
    .describe('Faults of the configured store tiers.'),
  origins: z.record(leaf.name, withDamage).prefault({}).describe('Faults of origins, by name.'),
})

export const fileSchema = z
  .strictObject({
    version: z.literal(1, expected('1, the version of this format')).describe('Version of this format.'),
    listen: listen.optional().describe('The data port.'),
    admin: admin.optional().describe('The admin port: purge, explain, statistics, metrics, health.'),
    workers: leaf.workers.optional().meta({
      description:
        'Processes that share the data port; "auto": as many as can run in parallel and fit into the memory of the container.',
      default: 1,
    }),
    origins: z.record(leaf.name, origin).optional().describe('Origins by name.'),
    routes: z.array(route).optional().describe('First match wins; with one origin a catch-all is implied.'),
    limits: limits.prefault({}).describe('Limits on what clients may occupy.'),
    store: z
      .strictObject({
        memory: memory.optional().describe('The memory tier: stored responses of this process.'),
        disk: disk.optional().describe('The disk tier: survives a restart, shared by the processes of a host.'),
        redis: redis.optional().describe('The Redis tier: shared by all nodes.'),
      })
      .optional()
      .describe('Where responses are stored.'),
    lane: leaf.onOff
      .prefault('on')
      .describe('Whether plain requests for fresh copies are answered directly at the socket.'),
    coherence: z
      .strictObject({
        lease: leaf.lease
          .prefault('5s')
          .describe(
            'How long a node may go without contact with the invalidation log before it revalidates its copies.',
          ),
      })
      .prefault({})
      .describe('How nodes that share Redis stay consistent.'),
    chaos: chaos
      .optional()
      .describe('Fault injection, for testing everything around the faulty part. Refused without --chaos.'),
  })
  .describe('Configuration of Herdgate.')

/** A valid file: durations in milliseconds, sizes in bytes, defaults filled in for keys that no flag can set. */
export type FileConfig = z.output<typeof fileSchema>
