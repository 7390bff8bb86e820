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
      'Addresses or CIDR blocks (or "loopback") of the proxies in front, whose Forwarded and X-Forwarded-* fields are believed.',
    ),
  drainDelay: leaf.drainDelay.optional().meta({
    description: 'How long requests are still taken after SIGTERM, while load balancers learn of it from /readyz.',
    default: '0s',
  }),
})

const admin = z.strictObject({
  host: leaf.host.optional().meta({
    description: 'Address or name the admin port listens on. One other than loopback requires a token.',
    default: '127.0.0.1',
  }),
  port: leaf.port.optional().meta({ description: 'Admin port; 0 takes any free one.', default: 9090 }),
  token: leaf.token.optional().describe('Bearer token of the admin API. A random one is printed at start when absent.'),
})

const origin = z.strictObject({
  urls: leaf.originUrls.describe('Base URLs of one origin, taken in turns. A path is put before every target.'),
  connectTimeout: leaf.timeout.prefault('2s').describe('Until a connection must be established.'),
  headersTimeout: leaf.timeout.prefault('30s').describe('From the request sent to the complete response head.'),
  bodyTimeout: leaf.timeout.prefault('30s').describe('How long the origin may be silent within a body.'),
  totalTimeout: leaf.timeout
    .prefault('6h')
    .describe('From the response head to the end of the body, however steadily it comes.'),
  maxConcurrency: leaf.concurrency.prefault(1024).describe('Requests in progress at once, over all its URLs.'),
})

const key = z.strictObject({
  query: z
    .strictObject({
      sort: leaf.boolean.prefault(false).describe('The order of query parameters does not matter.'),
      ignore: z
        .array(leaf.parameterPattern)
        .prefault([])
        .describe(
          'Query parameters left out of the key and of the request to the origin; a trailing "*" matches any ending.',
        ),
    })
    .prefault({})
    .describe('How the query counts.'),
  headers: z
    .array(leaf.fieldName)
    .prefault([])
    .describe(
      'Request fields whose value is part of the key. With authorization here and override: true, each client has copies of its own.',
    ),
  cookies: z.array(leaf.cookieName).prefault([]).describe('Cookies whose value is part of the key.'),
})

const route = z.strictObject({
  name: leaf.name.describe('Unique; part of every key and the route label of metrics.'),
  match: match.prefault({}).describe('Which requests the route is for; without a key, all of them.'),
  origin: leaf.name.describe('Name of the origin that is asked.'),
  ttl: leaf.duration.optional().describe('Lifetime for responses that state none.'),
  override: leaf.boolean.prefault(false).describe("ttl and grace win over the response's own directives."),
  grace: leaf.duration.optional().meta({
    description: 'How long past expiry a copy may still be used when the origin fails or is slow.',
    default: '1h',
  }),
  softTimeout: leaf.softTimeout
    .optional()
    .describe('A refresh slower than this answers from the stale copy and goes on; 0s is stale-while-revalidate.'),
  refreshAhead: leaf.share
    .optional()
    .describe('A hit after this share of the lifetime refreshes in the background; off when absent.'),
  cookies: leaf.cookieMode.optional().meta({
    description: 'How cookies bear on caching: safe stores nothing personal, rfc follows RFC 9111, ignore drops them.',
    default: 'safe',
  }),
  errorTtlMax: leaf.duration.prefault('30s').describe('Longest lifetime of an error response.'),
  tags: leaf.tags.prefault([]).describe("Added to the response's own tags."),
  key: key.prefault({}).describe('What tells resources apart besides method and URL.'),
  statusTtl: z
    .record(leaf.statusCode, leaf.duration)
    .prefault({})
    .describe('Lifetime by status code, for responses that state none.'),
  bypass: leaf.boolean.prefault(false).describe('Pass everything to the origin; neither look up nor store.'),
  webSockets: leaf.boolean
    .prefault(true)
    .describe('Join WebSockets; false: a handshake goes on without Upgrade, as the plain request it also is.'),
})

const limits = z.strictObject({
  maxConnections: leaf.concurrency
    .prefault(10_000)
    .describe('Clients connected at once; more are hung up on as they come.'),
  headBytes: leaf.headSize
    .prefault('16KiB')
    .describe("Size of a request's head, at least 1KiB; a larger one is answered 431."),
  headTimeout: leaf.timeout.prefault('10s').describe("Time for a request's head; a slower one is answered 408."),
  idleTimeout: leaf.timeout
    .prefault('65s')
    .describe('Between two requests of a connection. Longer than that of a load balancer in front.'),
  minRate: leaf.size
    .prefault('1KiB')
    .describe('Per second, of content that a client sends or takes. Who is slower while it is its turn is dropped.'),
  minRateWindow: leaf.timeout.prefault('60s').describe('Time over which minRate is measured.'),
  maxWaiting: leaf.concurrency
    .prefault(10_000)
    .describe('Requests that wait for origins at once; more get a stale copy or 503.'),
  maxBodiesInProgress: leaf.size.optional().meta({
    description:
      'Memory for bodies that are being received to be stored; more are passed on and not stored. In a container that has a limit: an eighth of it.',
    default: '256MiB',
  }),
})

const memory = z.strictObject({
  maxBytes: leaf.size.optional().meta({
    description: 'Memory for stored responses. In a container that has a limit: a share of it, see docs/sizing.md.',
    default: '256MiB',
  }),
  maxObjectBytes: leaf.size.prefault('8MiB').describe('Larger bodies are passed on and not stored.'),
  admission: leaf.onOff
    .prefault('on')
    .describe(
      'on: what comes into a full store must save more than what goes. off: what was used least recently goes.',
    ),
})

const disk = z.strictObject({
  path: leaf.path
    .optional()
    .describe('Folder of the store. Only Herdgate may write to it. Required here, or by --disk.'),
  maxBytes: leaf.size.optional().meta({ description: 'Space for stored responses.', default: '10GiB' }),
})

const redis = z.strictObject({
  url: leaf.redisUrl
    .optional()
    .describe(
      'redis://, rediss://, redis+cluster://h:p,h:p or redis+sentinel://h:p,h:p/name. Required here, or by --redis or REDIS_URL.',
    ),
  prefix: leaf.redisPrefix.optional().meta({ description: 'What its keys begin with.', default: 'herdgate' }),
  deadline: leaf.timeout.prefault('50ms').describe('For one command; later answers are done without.'),
  maxObjectBytes: leaf.size.prefault('1MiB').describe('Larger bodies stay in the other tiers.'),
  secret: leaf.seal
    .optional()
    .describe("Seals what is stored, so that nobody who can write to Redis can put words into an origin's mouth."),
})

const faults = {
  errorRate: leaf.rate.prefault(0).describe('Share of operations that fail.'),
  delay: leaf.delay.prefault('0ms').describe('By how much answers come later: 20ms, or a range such as 20ms..200ms.'),
  partition: z
    .strictObject({
      every: leaf.timeout.describe('How often.'),
      for: leaf.timeout.describe('How long, at the end of each; shorter than every.'),
    })
    .refine((partition) => partition.for < partition.every, {
      path: ['for'],
      error: 'expected a duration shorter than every',
    })
    .optional()
    .describe('Out of reach for a while, again and again.'),
}

const withDamage = z.strictObject({
  ...faults,
  corruption: leaf.rate.prefault(0).describe('Share of answers that come damaged.'),
})

/** What is kept as it is cannot be damaged on its way. */
const withoutDamage = z.strictObject({ ...faults }).transform((given) => ({ ...given, corruption: 0 }))

const chaos = z.strictObject({
  seed: leaf.seed.prefault(1).describe('The same faults again for the same order of operations.'),
  store: z
    .strictObject({
      memory: withoutDamage.optional().describe('Of look-ups and writes in this process.'),
      disk: withDamage.optional().describe('Of look-ups and writes on disk.'),
      redis: withDamage.optional().describe('Of look-ups, writes, purges and leases in Redis.'),
    })
    .prefault({})
    .describe('Faults of the tiers there are.'),
  origins: z.record(leaf.name, withDamage).prefault({}).describe('Faults of origins, by name.'),
})

export const fileSchema = z
  .strictObject({
    version: z.literal(1, expected('1, the version of this format')).describe('Version of this format.'),
    listen: listen.optional().describe('The data port.'),
    admin: admin.optional().describe('The admin port: purge, explain, statistics, metrics, health.'),
    workers: leaf.workers.optional().meta({
      description:
        'Processes that share the data port; "auto": as many as the machine runs at once and have room in the container.',
      default: 1,
    }),
    origins: z.record(leaf.name, origin).optional().describe('Origins by name.'),
    routes: z.array(route).optional().describe('First match wins; with one origin a catch-all is implied.'),
    limits: limits.prefault({}).describe('What clients may hold.'),
    store: z
      .strictObject({
        memory: memory.optional().describe('Copies in this process.'),
        disk: disk.optional().describe('Copies that outlive a restart, shared by the processes of a host.'),
        redis: redis.optional().describe('Copies that all nodes share.'),
      })
      .optional()
      .describe('Where copies are kept.'),
    lane: leaf.onOff
      .prefault('on')
      .describe('Whether plain requests for fresh copies are answered straight at the socket.'),
    coherence: z
      .strictObject({
        lease: leaf.lease
          .prefault('5s')
          .describe('How long a node may go without hearing of purges before it checks its copies with the origin.'),
      })
      .prefault({})
      .describe('How nodes that share Redis keep in step.'),
    chaos: chaos.optional().describe('Faults on purpose, for tests of everything around. Refused without --chaos.'),
  })
  .describe('Configuration of Herdgate.')

/** A valid file: durations in milliseconds, sizes in bytes, defaults filled in where no flag competes. */
export type FileConfig = z.output<typeof fileSchema>

const VARIABLE = '\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}'
const VARIABLE_TOO = `|${VARIABLE}`

/** JSON Schema of the file as it is written, for editors and the Helm chart. `${NAME}` may stand wherever text may. */
export function configJsonSchema(target: 'draft-2020-12' | 'draft-7' = 'draft-2020-12'): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(fileSchema, {
    target,
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      jsonSchema.default ??= statedDefault(zodSchema)
      if (jsonSchema.default === undefined) delete jsonSchema.default
      if (typeof jsonSchema.propertyNames === 'object') withoutVariable(jsonSchema.propertyNames)
      if (jsonSchema.pattern?.endsWith(VARIABLE_TOO) === false) jsonSchema.pattern += VARIABLE_TOO
      const { enum: choices, minLength } = jsonSchema
      if (choices !== undefined) jsonSchema.anyOf = orVariable({ enum: choices })
      if (minLength !== undefined) jsonSchema.anyOf = orVariable({ type: 'string', minLength })
      delete jsonSchema.enum
      delete jsonSchema.minLength
    },
  })
}

/** What a value may be, or a variable that may be shorter, and is no choice. */
const orVariable = (form: z.core.JSONSchema.BaseSchema) => [form, { type: 'string', pattern: VARIABLE } as const]

/** zod leaves out what its metadata says about the default of a value that it transforms. */
function statedDefault(schema: z.core.$ZodType): z.core.JSONSchema.BaseSchema['default'] {
  const stated = z.globalRegistry.get(schema)?.['default']
  return typeof stated === 'string' || typeof stated === 'number' ? stated : undefined
}

/** Keys are taken as they are written. */
function withoutVariable(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.pattern?.endsWith(VARIABLE_TOO)) schema.pattern = schema.pattern.slice(0, -VARIABLE_TOO.length)
}

/** Made once: a file may have many unknown keys. */
let described: JsonSchema | undefined

/** The keys known at a path of the file; none when keys there are free or the path does not exist. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  described ??= asSchema(configJsonSchema())
  const at = path.reduce(childSchema, described)
  return Object.keys(at?.properties ?? {})
}

type JsonSchema = z.core.JSONSchema.BaseSchema

function childSchema(parent: JsonSchema | undefined, part: PropertyKey): JsonSchema | undefined {
  if (typeof part === 'number') return asSchema(Array.isArray(parent?.items) ? parent.items[part] : parent?.items)
  return asSchema(parent?.properties?.[String(part)] ?? parent?.additionalProperties)
}

const asSchema = (schema: z.core.JSONSchema._JSONSchema | undefined): JsonSchema | undefined =>
  typeof schema === 'object' ? schema : undefined
