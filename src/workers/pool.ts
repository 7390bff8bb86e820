/** The worker processes: started, watched, and replaced when they end. */
import cluster from 'node:cluster'
import type { Logger } from 'pino'
import { HerdgateError } from '../errors.ts'
import type { Clock } from '../model.ts'
import { LATE, within } from '../deadline.ts'
import { delayBefore } from './back-off.ts'
import { fork } from './fork.ts'
import { Member } from './member.ts'
import type { ListenFailure, PrimaryService } from './services.ts'

export interface PoolOptions {
  /** The module that a worker runs. */
  readonly module: string
  readonly size: number
  readonly clock: Clock
  readonly logger: Logger
  /** Answers what a worker asks. */
  serve(member: Member): Omit<PrimaryService, 'begun' | 'listening' | 'refused'>
  /**
   * The process has ended; it may not have said anything before.
   * @param how the signal, or the exit code, in words
   */
  left(member: Member, how: string): void
}

/** Somebody waits, but no purge: what takes so long is no burst of work. */
const PATIENCE_MS = 15_000
/** A disk file that was not closed is checked before it is used, which takes minutes where it is large; so often it is told. */
const TELLS_OF_START_EVERY_MS = 60_000
/** Of a worker that has not begun by then nothing is expected any more. */
const BEGINS_WITHIN_MS = 30 * 60_000
/** In a row, before all have listened: they are not going to. */
const MOST_FAILED_STARTS = 5
/**
 * Whose successor listens goes on for so long, so that what is idle may ask once more and end with the answer (RFC 9112 section
 * 9.6): a connection that is closed while its client sends a request costs the client that request.
 */
const LAST_REQUESTS_MS = 2_000
/** From then on it has this long for what is in flight. */
const LEAVES_WITHIN_MS = 30_000
/** Who has lived for this long did not end because of how it began. */
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

  /** @returns the base URL of the data port once every worker listens there; rejects when one cannot, or none comes up */
  start(): Promise<string> {
    for (let count = 0; count < this.#options.size; count++) this.#fork()
    return this.#started.promise
  }

  get members(): readonly Member[] {
    return [...this.#members]
  }

  /**
   * Those that answer, those that finish what is in flight included. Others take no connection before they have heard all that
   * they have been told: messages arrive in order, and that they may listen is one more.
   */
  get begun(): readonly Member[] {
    return [...this.#members].filter(({ hasBegun }) => hasBegun)
  }

  /** Those that take connections, and are to go on. */
  get listening(): readonly Member[] {
    return [...this.#members].filter(({ isListening }) => isListening)
  }

  /**
   * What a worker that has begun answers; undefined when it ends before it has. One that does not answer in time is killed, so that it
   * cannot go on with what it has not heard.
   * @param patienceMs after which it is taken for hung
   */
  async answer<T>(member: Member, asked: Promise<T>, patienceMs: number = PATIENCE_MS): Promise<T | undefined> {
    const { clock, logger } = this.#options
    const settled = asked.catch(() => undefined)
    // In two halves: where this process stood still itself, the others have time to be heard.
    for (let half = 0; half < 2; half++) {
      const [answer] = await within([settled], patienceMs / 2, clock)
      if (answer !== LATE) return answer
    }
    if (member.kill()) {
      logger.error({ worker: member.pid }, `a worker has not answered for ${patienceMs / 1000} s and is killed`)
    }
    return settled
  }

  /** Another takes its place; soon after that listens, this one finishes what is in flight and ends. */
  replace(member: Member): void {
    if (this.#isClosing || member.isReplaced) return
    member.isReplaced = true
    this.#options.logger.info({ worker: member.pid }, 'a worker is being stopped; another takes its place')
    member.calls.tell('drain', undefined) // until then clients are told to connect anew
    this.#fork()
  }

  /** No worker is replaced any more. @returns settles when the last has ended */
  close(): Promise<void> {
    this.#isClosing = true
    for (const member of this.#members) {
      if (member.hasBegun) member.calls.tell('end', undefined)
      else member.kill()
    }
    if (this.#members.size === 0) this.#ended.resolve()
    return this.#ended.promise
  }

  #fork(): void {
    if (this.#isClosing) return
    const worker = fork((why) => this.#isNotForked(why))
    if (worker === undefined) return
    const member = new Member(worker, this.#options.clock.now(), (self) => ({
      ...this.#options.serve(self),
      begun: () => {
        self.hasBegun = true
      },
      listening: (url) => this.#listens(self, url),
      refused: (failure) => this.#isRefused(self, failure),
    }))
    this.#members.add(member)
    member.onceEnded((how) => this.#ends(member, how))
    this.#watchStart(member)
  }

  #watchStart(member: Member): void {
    const { clock, logger } = this.#options
    clock.after(TELLS_OF_START_EVERY_MS, () => {
      if (member.hasBegun || !this.#members.has(member)) return
      const ms = clock.now() - member.since
      const words = `a worker has been starting for ${Math.round(ms / 60_000)} min`
      if (ms < BEGINS_WITHIN_MS) {
        logger.warn({ worker: member.pid }, words)
        this.#watchStart(member)
      } else if (member.kill()) {
        logger.error({ worker: member.pid }, `${words} and is killed`)
      }
    })
  }

  #listens(member: Member, url: string): void {
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
      member.calls.tell('end', undefined)
      clock.after(LEAVES_WITHIN_MS, () => member.kill())
    })
  }

  /** It ends by itself. A port that all had may be free again for the next. */
  #isRefused({ pid }: Member, failure: ListenFailure): void {
    if (!this.#hasStarted) this.#giveUp(listenError(failure))
    else this.#options.logger.error({ worker: pid }, `a worker cannot listen: ${failure.message}`)
  }

  #ends(member: Member, how: string): void {
    const { clock, logger } = this.#options
    this.#members.delete(member)
    member.calls.hangUp()
    this.#options.left(member, how)
    if (this.#isClosing) {
      if (this.#members.size === 0) this.#ended.resolve()
      return
    }
    if (member.isReplaced) {
      logger.info({ worker: member.pid }, `a worker that was being stopped has ended with ${how}`)
      return
    }
    this.#shortLives = clock.now() - member.since < LONG_LIFE_MS ? this.#shortLives + 1 : 0
    if (!this.#tryAgain(`the last ended with ${how}`)) return
    logger.error({ worker: member.pid }, `a worker has ended with ${how}; another takes its place`)
  }

  #isNotForked(why: string): void {
    if (this.#isClosing) return
    this.#shortLives++
    if (this.#tryAgain(why)) this.#options.logger.error(`a worker could not be started: ${why}; trying again`)
  }

  /** @returns false when the start is given up instead */
  #tryAgain(why: string): boolean {
    const isGivenUp = !this.#hasStarted && this.#shortLives >= MOST_FAILED_STARTS
    if (isGivenUp) this.#giveUp(new HerdgateError('internal', `workers do not start: ${why}`))
    else this.#options.clock.after(delayBefore(this.#shortLives), () => this.#fork())
    return !isGivenUp
  }

  #giveUp(error: Error): void {
    this.#isClosing = true
    this.#started.reject(error)
  }
}

/** As if it had been our own. */
const listenError = ({ message, ...where }: ListenFailure): Error => Object.assign(new Error(message), where)
