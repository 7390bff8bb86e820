/** Commands to Redis that are answered in time or given up, and are not even sent while it is out of order. */
import type { Events } from '../../events.ts'
import type { Clock } from '../../model.ts'
import { LATE, within } from '../../deadline.ts'
import { ClientBreaker } from './client-breaker.ts'
import { type RedisCommand, type RedisReply, sendAll } from './commands.ts'
import type { RedisClient } from './connection.ts'

export interface RedisAccess {
  /** Not connected, or not tried at present. */
  readonly degraded: boolean
  /** One ending per command, or `refused` when none was sent. Never rejects. */
  read(commands: readonly RedisCommand[]): Promise<readonly CommandEnding[] | 'refused'>
  /**
   * The same for writes, of which a bounded number may await an answer.
   * @param make called when they can be sent
   */
  write(make: () => readonly RedisCommand[]): Promise<readonly CommandEnding[] | 'refused'>
  close(): void
}

/** How a command ended. `refused`: not sent. `late`: sent, and no answer in time. */
export type CommandEnding = RedisReply | 'refused' | 'late'

export interface RedisAccessOptions {
  readonly client: RedisClient
  /** Sent to find out whether Redis works again, while there is nothing else to send. */
  readonly trial: RedisCommand
  readonly deadlineMs: number
  readonly clock: Clock
  readonly random: () => number
  readonly events: Events | undefined
}

/** A write may take this many deadlines: no request waits for it. */
const WRITE_DEADLINES = 10
/** Limits of the writes that await an answer, in number and bytes; one more is admitted as long as both are below. */
const MAX_WRITES = 1_000
const MAX_WRITE_BYTES = 16 * 2 ** 20

/** How often a trial is sent while nothing else is: the longest time for which the breaker stays open. */
const TRIAL_MS = 5_000

export function redisAccess({ client, trial, deadlineMs, clock, random, events }: RedisAccessOptions): RedisAccess {
  const breaker = new ClientBreaker({
    client,
    clock,
    random,
    changed(isOpen, why) {
      if (isOpen) tryLater()
      events?.emit('tier', { tier: 'redis', state: isOpen ? 'degraded' : 'working', why })
    },
  })
  let writes = 0
  let writeBytes = 0
  let closed = false
  let cancelTrial = (): void => {}

  const tryNow = (): void => {
    if (breaker.isOpen) void access.read([trial])
  }
  client.on('ready', tryNow) // after the breaker's own listener, which admits the next attempt

  const tryLater = (): void => {
    if (closed) return
    cancelTrial()
    cancelTrial = clock.after(TRIAL_MS, () => {
      tryNow()
      if (breaker.isOpen) tryLater()
    })
  }

  const hasRoom = (): boolean => writes < MAX_WRITES && writeBytes < MAX_WRITE_BYTES

  const inTime = async (sent: readonly Promise<RedisReply>[], ms: number): Promise<CommandEnding[]> => {
    const endings = (await within(sent, ms, clock)).map((reply) => (reply === LATE ? 'late' : reply))
    const failure = failureIn(endings)
    if (failure === undefined) breaker.succeeded()
    else breaker.failed(failure)
    return endings
  }

  /** As many as there is room for; they occupy it until they are answered, however late. */
  const admitted = (commands: readonly RedisCommand[]): RedisCommand[] => {
    const fitting: RedisCommand[] = []
    for (const command of commands) {
      if (fitting.length > 0 && !hasRoom()) break
      fitting.push(command)
      writes++
      writeBytes += bytesOf(command)
    }
    return fitting
  }

  const release = (command: RedisCommand | undefined): void => {
    if (command === undefined) return
    writes--
    writeBytes -= bytesOf(command)
  }

  const access: RedisAccess = {
    get degraded() {
      return breaker.isOpen
    },
    async read(commands) {
      return breaker.admits() ? inTime(sendAll(client, commands), deadlineMs) : 'refused'
    },
    async write(make) {
      if (!hasRoom() || !breaker.admits()) return 'refused'
      const commands = make()
      const fitting = admitted(commands)
      const sent = sendAll(client, fitting)
      for (const [at, reply] of sent.entries()) void reply.then(() => release(fitting[at]))
      const endings = await inTime(sent, deadlineMs * WRITE_DEADLINES)
      return commands.map((_, at) => endings[at] ?? 'refused')
    },
    close() {
      closed = true
      cancelTrial()
      client.off('ready', tryNow)
      breaker.close()
    },
  }
  return access
}

const bytesOf = (command: RedisCommand): number => (command.name === 'write' ? command.octets.length : 0)

/** Replies by which a server says that it does not serve this client at present. */
const NOT_SERVING = /^(?:LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOAUTH|WRONGPASS|NOPERM)\b/

/** What went wrong, if no server answered at all. That it is full, or a key of the wrong type, is an answer. */
function failureIn(endings: readonly CommandEnding[]): string | undefined {
  let failure: string | undefined
  for (const ending of endings) {
    if (typeof ending === 'string') {
      failure ??= 'no answer in time'
      continue
    }
    if (!('error' in ending)) return undefined
    const { name, message } = ending.error
    if (name === 'ReplyError' && !NOT_SERVING.test(message)) return undefined
    failure ??= message
  }
  return failure
}
