import type { Worker } from 'node:cluster'
import { Calls, type Message } from '../calls.ts'
import { watchHandedConnections } from './handed-connection.ts'
import type { PrimaryService, WorkerService } from '../services.ts'

/** One worker process, as its primary sees it. */
export class Member {
  /** Never reused. */
  readonly number: number
  readonly pid: number
  /** Its name among the nodes of a log in Redis; never reused either. */
  readonly node: string = crypto.randomUUID()
  /** When it was started. */
  readonly since: number
  readonly calls: Calls<WorkerService, PrimaryService>
  /** It has set itself up from its configuration, and answers calls. */
  hasBegun = false
  isListening = false
  /** Another worker is to take its place, or has. */
  isReplaced = false
  /** How many connections it has been handed so far. */
  connections = 0
  readonly #worker: Worker
  #isKilled = false

  /** @param service answers what it asks */
  constructor(worker: Worker, since: number, service: (member: Member) => PrimaryService) {
    this.#worker = worker
    this.number = worker.id
    this.pid = worker.process.pid ?? 0
    this.since = since
    this.calls = new Calls((message) => void worker.send(message, () => {}), service(this))
    worker.on('message', (message: Message) => this.calls.receive(message))
    worker.on('error', () => {}) // once started, it ends or does not answer, and both are noticed
    watchHandedConnections(worker.process, () => this.connections++)
  }

  /** Kills it at once. @returns false when that was done before */
  kill(): boolean {
    if (this.#isKilled) return false
    this.#isKilled = true
    this.#worker.process.kill('SIGKILL')
    return true
  }

  /** @param how the signal, or the exit code, in words */
  onceEnded(run: (how: string) => void): void {
    this.#worker.process.once('exit', (code, signal) => run(signal ?? `exit code ${code}`))
  }
}
