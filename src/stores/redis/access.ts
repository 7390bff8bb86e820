/** Commands to Redis that are answered in time or given up, and are not even sent while it is out of order. */
import type { Events } from '../../events.ts'
import type { Clock } from '../../model.ts'
import { LATE, within } from '../../deadline.ts'
import { ClientBreaker } from './client-breaker.ts'
import { type RedisCommand, type RedisReply, sendAll } from './commands.ts'
import type { RedisClient } from './connection.ts'
import { UnansweredWrites } from './unanswered-writes.ts'

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
/** How often a trial is sent while nothing else is: the longest time for which the breaker stays open. */
const TRIAL_MS = 5_000

export class RedisAccess {
  readonly #client: RedisClient
  readonly #trial: RedisCommand
  readonly #deadlineMs: number
  readonly #clock: Clock
  readonly #events: Events | undefined
  readonly #breaker: ClientBreaker
  readonly #writes = new UnansweredWrites()
  readonly #tryNow = (): void => {
    if (this.#breaker.isOpen) void this.read([this.#trial])
  }
  #cancelTrial = (): void => {}
  #isClosed = false

  constructor({ client, trial, deadlineMs, clock, random, events }: RedisAccessOptions) {
    this.#client = client
    this.#trial = trial
    this.#deadlineMs = deadlineMs
    this.#clock = clock
    this.#events = events
    this.#breaker = new ClientBreaker({ client, clock, random, changed: (isOpen, why) => this.#changed(isOpen, why) })
    client.on('ready', this.#tryNow) // after the breaker's own listener, which admits the next attempt
  }

  /** Not connected, or not tried at present. */
  get degraded(): boolean {
    return this.#breaker.isOpen
  }

  /** One ending per command, or `refused` when none was sent. Never rejects. */
  async read(commands: readonly RedisCommand[]): Promise<readonly CommandEnding[] | 'refused'> {
    return this.#breaker.admits() ? this.#inTime(sendAll(this.#client, commands), this.#deadlineMs) : 'refused'
  }

  /**
   * The same for writes, of which a bounded number may await an answer.
   * @param make called when they can be sent
   */
  async write(make: () => readonly RedisCommand[]): Promise<readonly CommandEnding[] | 'refused'> {
    if (!this.#writes.hasRoom || !this.#breaker.admits()) return 'refused'
    const commands = make()
    const admitted = this.#writes.admit(commands)
    const sent = sendAll(this.#client, admitted)
    for (const [at, command] of admitted.entries()) void sent[at]?.then(() => this.#writes.release(command))
    const endings = await this.#inTime(sent, this.#deadlineMs * WRITE_DEADLINES)
    return commands.map((_, at) => endings[at] ?? 'refused')
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTrial()
    this.#client.off('ready', this.#tryNow)
    this.#breaker.close()
  }

  async #inTime(sent: readonly Promise<RedisReply>[], ms: number): Promise<CommandEnding[]> {
    const endings = (await within(sent, ms, this.#clock)).map((reply) => (reply === LATE ? 'late' : reply))
    const failure = failureIn(endings)
    if (failure === undefined) this.#breaker.succeeded()
    else this.#breaker.failed(failure)
    return endings
  }

  #changed(isOpen: boolean, why: string): void {
    if (isOpen) this.#tryLater()
    this.#events?.emit('tier', { tier: 'redis', state: isOpen ? 'degraded' : 'working', why })
  }

  #tryLater(): void {
    if (this.#isClosed) return
    this.#cancelTrial()
    this.#cancelTrial = this.#clock.after(TRIAL_MS, () => {
      this.#tryNow()
      if (this.#breaker.isOpen) this.#tryLater()
    })
  }
}

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
