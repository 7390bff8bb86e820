/** The worker processes: started, watched, and replaced when they end. */
import cluster from 'node:cluster'
import type { Logger } from 'pino'
import { HerdgateError } from '../../errors.ts'
import type { Clock } from '../../model.ts'
import { LATE, within } from '../../deadline.ts'
import { delayBefore } from './back-off.ts'
import { fork } from './fork.ts'
import { Member } from './member.ts'
import type { ListenFailure, PrimaryService } from '../services.ts'

/** What a worker says of itself, not of requests. */
export type OwnState = 'begun' | 'listening' | 'listenFailed' | 'failed'

export interface PoolOptions {
  /** The module that a worker runs. */
  readonly module: string
  readonly size: number
  readonly clock: Clock
  readonly logger: Logger
  /** Answers what a worker asks. */
  serve(member: Member): Omit<PrimaryService, OwnState>
  /**
   * The process has ended, perhaps before it had sent anything.
   * @param how the signal, or the exit code, in words
   */
  ended(member: Member, how: string): void
}

/** How long a worker may take to answer when no purge waits for it: no burst of work takes that long. */
const PATIENCE_MS = 15_000
/** How often a long start is logged: a large disk file that was not closed properly takes minutes to check. */
const LOG_START_EVERY_MS = 60_000
/** A worker that has not begun by then is given up. */
const BEGINS_WITHIN_MS = 30 * 60_000
/** After this many in a row, before all workers have listened, the start is given up. */
const MAX_FAILED_STARTS = 5
/**
 * How long a worker goes on once its successor listens, so that idle connections may send one more request and end with
 * its answer (RFC 9112 section 9.6): a connection that is closed while its client sends a request costs the client that
 * request.
 */
const LAST_REQUESTS_MS = 2_000
/** After that it has this long to finish what is in flight. */
const LEAVES_WITHIN_MS = 30_000
/** A worker that has lived for this long did not end because of how it started. */
const LONG_LIFE_MS = 10_000

export class Pool {
  readonly #options: PoolOptions
  readonly #members = new Set<Member>()
  readonly #started = Promise.withResolvers<string>()
  readonly #ended = Promise.withResolvers<void>()
  #hasStarted = false
  #shortLives = 0
  #isClosing = false

  constructor(options: PoolOptions) {
    this.#options = options
    cluster.setupPrimary({ exec: options.module, args: [], serialization: 'advanced' })
  }

  /**
   * @returns the base URL of the data port once every worker listens there; rejects when one cannot listen, or when
   * workers keep ending early
   */
  start(): Promise<string> {
    for (let count = 0; count < this.#options.size; count++) this.#fork()
    return this.#started.promise
  }

  get members(): readonly Member[] {
    return [...this.#members]
  }

  /**
   * Workers that answer calls, including those that finish what is in flight. The others take no connection before they
   * have received all that was sent to them: messages arrive in order, and the permission to listen is one of them.
   */
  get begun(): readonly Member[] {
    return [...this.#members].filter(({ hasBegun }) => hasBegun)
  }

  /** Workers that take connections, and are to go on. */
  get listening(): readonly Member[] {
    return [...this.#members].filter(({ isListening }) => isListening)
  }

  /**
   * The answer of a worker that has begun; undefined when it ends first. One that does not answer in time is killed, so
   * that it cannot go on without what it was sent.
   * @param patienceMs after which it is taken for hung
   */
  async answerOf<T>(member: Member, asked: Promise<T>, patienceMs: number = PATIENCE_MS): Promise<T | undefined> {
    const { clock, logger } = this.#options
    const settled = asked.catch(() => undefined)
    // In two halves: if this process itself was held up, the second leaves time to read the answers.
    for (let half = 0; half < 2; half++) {
      const [answer] = await within([settled], patienceMs / 2, clock)
      if (answer !== LATE) return answer
    }
    if (member.kill()) {
      logger.error({ worker: member.pid }, `a worker has not answered for ${patienceMs / 1000} s and is killed`)
    }
    return settled
  }

  /**
   * Starts a successor, unless the worker has ended, and so has one. Soon after the successor listens, the worker
   * finishes what is in flight and ends.
   */
  replace(member: Member): void {
    if (this.#isClosing || member.isReplaced || !this.#members.has(member)) return
    member.isReplaced = true
    this.#options.logger.info({ worker: member.pid }, 'a worker is being stopped; another takes its place')
    member.calls.notify('drain', undefined) // until then it asks its clients to reconnect
    this.#fork()
  }

  /** Ends all workers, and replaces none any more. @returns settles when the last has ended */
  close(): Promise<void> {
    this.#isClosing = true
    for (const member of this.#members) {
      if (member.hasBegun) void this.answerOf(member, member.calls.call('end', undefined))
      else member.kill()
    }
    if (this.#members.size === 0) this.#ended.resolve()
    return this.#ended.promise
  }

  #fork(): void {
    if (this.#isClosing) return
    const worker = fork((why) => this.#forkFailed(why))
    if (worker === undefined) return
    const member = new Member(worker, this.#options.clock.now(), (self) => ({
      ...this.#options.serve(self),
      begun: () => {
        self.hasBegun = true
      },
      listening: (url) => this.#onListening(self, url),
      listenFailed: (failure) => this.#listenFailed(self, failure),
      failed: () => this.#onFailed(self),
    }))
    this.#members.add(member)
    member.onceEnded((how) => this.#onEnded(member, how))
    this.#watchStart(member)
  }

  #watchStart(member: Member): void {
    const { clock, logger } = this.#options
    clock.after(LOG_START_EVERY_MS, () => {
      if (member.hasBegun || !this.#members.has(member)) return
      const ms = clock.now() - member.since
      const message = `a worker has been starting for ${Math.round(ms / 60_000)} min`
      if (ms < BEGINS_WITHIN_MS) {
        logger.warn({ worker: member.pid }, message)
        this.#watchStart(member)
      } else if (member.kill()) {
        logger.error({ worker: member.pid }, `${message} and is killed`)
      }
    })
  }

  #onListening(member: Member, url: string): void {
    member.isListening = true
    const missing = this.#options.size - this.listening.length
    if (missing > 0) return
    this.#hasStarted = true
    this.#started.resolve(url)
    const replaced = missing < 0 && this.listening.find(({ isReplaced }) => isReplaced)
    if (replaced) this.#retire(replaced)
  }

  #retire(member: Member): void {
    const { clock } = this.#options
    member.isListening = false
    clock.after(LAST_REQUESTS_MS, () => {
      member.calls.notify('end', undefined)
      clock.after(LEAVES_WITHIN_MS, () => member.kill())
    })
  }

  /** The worker ends by itself. Once all have listened, the port may be free again for the next. */
  #listenFailed({ pid }: Member, failure: ListenFailure): void {
    if (!this.#hasStarted) this.#giveUp(listenError(failure))
    else this.#options.logger.error({ worker: pid }, `a worker cannot listen: ${failure.message}`)
  }

  /** It takes no connection any more, but may take long to finish what is in flight: nobody waits for its end. */
  #onFailed(member: Member): void {
    member.isListening = false
    if (this.#isClosing || member.isReplaced) return
    member.isReplaced = true
    this.#options.clock.after(LEAVES_WITHIN_MS + PATIENCE_MS, () => member.kill()) // it may hang
    this.#succeed(member, 'has failed')
  }

  #onEnded(member: Member, how: string): void {
    this.#members.delete(member)
    member.calls.hangUp()
    this.#options.ended(member, how)
    if (this.#isClosing) {
      if (this.#members.size === 0) this.#ended.resolve()
      return
    }
    if (member.isReplaced) {
      this.#options.logger.info({ worker: member.pid }, `a worker that was being stopped has ended with ${how}`)
      return
    }
    this.#succeed(member, `has ended with ${how}`)
  }

  #succeed(member: Member, how: string): void {
    const { clock, logger } = this.#options
    this.#shortLives = clock.now() - member.since < LONG_LIFE_MS ? this.#shortLives + 1 : 0
    if (!this.#tryAgain(`the last ${how}`)) return
    logger.error({ worker: member.pid }, `a worker ${how}; another takes its place`)
  }

  #forkFailed(why: string): void {
    if (this.#isClosing) return
    this.#shortLives++
    if (this.#tryAgain(why)) this.#options.logger.error(`a worker could not be started: ${why}; trying again`)
  }

  /** @returns false when the start is given up instead */
  #tryAgain(why: string): boolean {
    const isGivenUp = !this.#hasStarted && this.#shortLives >= MAX_FAILED_STARTS
    if (isGivenUp) this.#giveUp(new HerdgateError('internal', `workers do not start: ${why}`))
    else this.#options.clock.after(delayBefore(this.#shortLives), () => this.#fork())
    return !isGivenUp
  }

  #giveUp(error: Error): void {
    this.#isClosing = true
    this.#started.reject(error)
  }
}

/** The worker's error, as if listening had failed in this process. */
const listenError = ({ message, ...where }: ListenFailure): Error => Object.assign(new Error(message), where)
