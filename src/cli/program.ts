/** Commands and flags. A command's modules are loaded when it runs, so that `probe` stays fast. */
import { Command, CommanderError } from 'commander'
import type { Flags } from '../config.ts'
import { endOnSignals } from '../server/shutdown.ts'
import { VERSION } from '../version.ts'
import type { DemoFlags } from './demo.ts'
import type { ExplainFlags } from './explain.ts'
import {
  CHECK_HELP,
  DEMO_HELP,
  EXAMPLES,
  EXIT_CODES,
  EXPLAIN_HELP,
  INIT_HELP,
  PROBE_HELP,
  PURGE_HELP,
  SCHEMA_HELP,
} from './help.ts'
import type { InitFlags } from './init.ts'
import type { ProbeFlags } from './probe.ts'
import type { PurgeFlags } from './purge.ts'
import type { Given } from './settings.ts'
import { unknownArguments } from './unknown-arguments.ts'

const TAKE_SETTINGS = ['serve', 'check']
const COMMANDS = [...TAKE_SETTINGS, 'schema', 'init', 'demo', 'probe', 'purge', 'explain']

/** Runs the command that the arguments name, or else `serve`, and sets the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  for (const output of [process.stdout, process.stderr]) output.on('error', ignoreClosedPipe)
  try {
    const herdgate = program()
    await herdgate.parseAsync(withLastValue(argv, herdgate))
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = error.exitCode === 0 ? 0 : 2 // help and version are not errors
  }
}

/** Adds an empty value when the last flag is a setting without one, so that it is reported with all other faults. */
function withLastValue(argv: readonly string[], herdgate: Command): string[] {
  const [, , first = ''] = argv
  const name = COMMANDS.includes(first) ? first : 'serve'
  const options = herdgate.commands.find((command) => command.name() === name)?.options ?? []
  const lacksValue =
    TAKE_SETTINGS.includes(name) && options.some(({ long, required }) => required && long === argv.at(-1))
  return lacksValue ? [...argv, ''] : [...argv]
}

/** Ignores that the reader of the output has stopped early, as `head` does. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

function program(): Command {
  const herdgate = new Command('herdgate')
    .description('An HTTP caching reverse proxy for slow APIs.')
    .version(VERSION)
    .exitOverride()
  const command: AddCommand = (name, summary, options) => herdgate.command(name, options).description(summary)
  const serving = addServe(command)
  herdgate.addHelpText('after', () => `\nFlags of serve:\n${serving.helpInformation().replace(/^[^]*?Options:\n/, '')}`)
  for (const add of [addCheck, addSchema, addDemo, addProbe, addInit, addPurge, addExplain]) add(command)
  return herdgate.addHelpText('after', EXAMPLES + EXIT_CODES)
}

type AddCommand = (name: string, summary: string, options?: { isDefault: boolean }) => Command

function addServe(command: AddCommand): Command {
  const serving = command('serve', 'run the caching proxy in front of an origin', { isDefault: true })
  withSettings(serving, async (given) => {
    endOnSignals()
    const { serve } = await import('./serve.ts')
    await serve(given)
  })
  return serving
}

function addCheck(command: AddCommand): void {
  const checking = command('check', 'check that flags, environment and file make a valid configuration')
  checking.option('--print-config', 'print the configuration in effect as a file, without its secrets')
  withSettings(checking, async (given) => {
    const { printConfig = false } = checking.opts<{ printConfig?: boolean }>()
    const { check } = await import('./check.ts')
    check(given, printConfig)
  })
  checking.addHelpText('after', CHECK_HELP)
}

function addSchema(command: AddCommand): void {
  command('schema', 'print the JSON Schema of the configuration file')
    .addHelpText('after', SCHEMA_HELP)
    .action(async () => {
      const { configJsonSchema } = await import('../config.ts')
      process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
    })
}

function addDemo(command: AddCommand): void {
  command('demo', 'start a slow API with Herdgate in front of it')
    .option('--port <port>', 'port of Herdgate', '8080')
    .option('--admin-port <port>', 'port of its admin API', '9090')
    .option('--origin-port <port>', 'port of the slow API', '3000')
    .option('--api-only', 'only the slow API, to put your own Herdgate in front of it')
    .addHelpText('after', DEMO_HELP)
    .action(async (flags: DemoFlags) => {
      endOnSignals()
      const { demo } = await import('./demo.ts')
      await demo(flags)
    })
}

function addProbe(command: AddCommand): void {
  command('probe', 'ask a running Herdgate whether it is ready, for health checks')
    .argument('[url]', 'URL of its admin port')
    .option('--live', 'ask whether it is alive (/livez) instead')
    .option('--timeout <duration>', 'time limit for the whole answer', '2s')
    .addHelpText('after', PROBE_HELP)
    .action(async (url: string | undefined, flags: ProbeFlags) => (await import('./probe.ts')).probe(url, flags))
}

function addInit(command: AddCommand): void {
  command('init', 'write a configuration to start from')
    .argument('[file]', 'file to write', 'herdgate.yaml')
    .requiredOption('--origin <url>', 'the API to put Herdgate in front of')
    .option('--ttl <duration>', 'lifetime of responses that state none')
    .option('--redis <url>', 'Redis shared by several nodes')
    .option('--force', 'overwrite an existing file')
    .addHelpText('after', INIT_HELP)
    .action(async (file: string, flags: InitFlags) => (await import('./init.ts')).init(file, flags))
}

function addPurge(command: AddCommand): void {
  withAdmin(command('purge', 'remove responses from a running Herdgate, or mark them stale'))
    .option('--tag <tag>', 'everything that carries this tag; may be repeated', collect)
    .option('--url <url>', 'one URL, as clients request it, with all its variants; may be repeated', collect)
    .option('--prefix <url>', 'everything below a URL; may be repeated', collect)
    .option('--all', 'everything')
    .option('--soft', 'mark stale instead of removing')
    .addHelpText('after', PURGE_HELP)
    .action(async (flags: PurgeFlags) => (await import('./purge.ts')).purge(flags))
}

function addExplain(command: AddCommand): void {
  withAdmin(command('explain', 'show what would happen to a request, and why'))
    .argument('<url>', 'URL as a client requests it')
    .option('--method <method>', 'request method (default GET)')
    .option('--header <line>', 'a request field, "Name: value"; may be repeated', collect)
    .option('--json', "print the admin API's JSON")
    .addHelpText('after', EXPLAIN_HELP)
    .action(async (url: string, flags: ExplainFlags) => (await import('./explain.ts')).explain(url, flags))
}

/** Flags of the commands that ask a running Herdgate. */
function withAdmin(command: Command): Command {
  return command
    .option('--admin <url>', 'URL of its admin port (HERDGATE_ADMIN_HOST and _PORT; default http://127.0.0.1:9090)')
    .option('--token <token>', 'a token of its admin port (HERDGATE_ADMIN_TOKEN or _FILE)')
}

/** Values are checked together with those of environment and file, so that all faults are reported at once. */
function withSettings(command: Command, run: (settings: Given) => Promise<void>): void {
  command
    .allowUnknownOption()
    .allowExcessArguments()
    .action((flags: Flags) => run({ flags, faults: unknownArguments(command, COMMANDS) }))
    .option('--origin <url>', 'where to forward to; several form one pool (env HERDGATE_ORIGIN)', collect)
    .option('--host <address>', 'address of the data port (HERDGATE_HOST; default 0.0.0.0)')
    .option('--port <port>', 'data port, 0 for any (HERDGATE_PORT, PORT; default 8080)')
    .option('--admin-host <address>', 'address of the admin port (HERDGATE_ADMIN_HOST; default 127.0.0.1)')
    .option('--admin-port <port>', 'admin port, 0 for any (HERDGATE_ADMIN_PORT; default 9090)')
    .option('--admin-token <token>', 'bearer token (HERDGATE_ADMIN_TOKEN or _FILE; default: generated and printed)')
    .option('--ttl <duration>', 'lifetime of responses that state none (HERDGATE_TTL)')
    .option('--grace <duration>', 'how long past expiry a copy may be served (HERDGATE_GRACE; default 1h)')
    .option('--soft-timeout <duration>', 'wait this long for a refresh, then serve stale (HERDGATE_SOFT_TIMEOUT)')
    .option('--cookies <mode>', 'safe, rfc or ignore (HERDGATE_COOKIES; default safe)')
    .option(
      '--memory <size>',
      'memory for stored responses (HERDGATE_MEMORY; default 256MiB, in a container a share of its limit)',
    )
    .option('--disk <path>', 'folder for responses that survive a restart (HERDGATE_DISK; default: none)')
    .option('--disk-size <size>', 'disk space for stored responses (HERDGATE_DISK_SIZE; default 10GiB)')
    .option('--redis <url>', 'Redis shared by several nodes (HERDGATE_REDIS, REDIS_URL; default: none)')
    .option('--redis-prefix <prefix>', 'prefix of its keys (HERDGATE_REDIS_PREFIX; default herdgate)')
    .option('--workers <count>', 'processes that share the data port, or auto (HERDGATE_WORKERS; default 1)')
    .option('--config <file>', 'configuration file (HERDGATE_CONFIG; default ./herdgate.yaml when present)')
    .option('--chaos', 'inject the faults that the file asks for; not for production')
    .option('--log-level <level>', 'trace to fatal, or silent (HERDGATE_LOG_LEVEL, LOG_LEVEL; default info)')
    .addHelpText(
      'after',
      '\nDurations: 250ms 30s 5m 1h 7d. Sizes: 512KiB 256MiB. Flags override environment, which overrides the file.',
    )
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value]
