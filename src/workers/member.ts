import type { Worker } from 'node:cluster'
import { Calls, type Message } from './calls.ts'
import { watchHandedConnections } from './handed-connection.ts'
import type { PrimaryService, WorkerService } from './services.ts'

/** One worker process, as its primary sees it. */
export class Member {
  /** Never used again. */
  readonly number: number
  readonly pid: number
  /** Its name among the nodes of a log in Redis; never used again either. */
  readonly node: string = crypto.randomUUID()
  /** When it was started. */
  readonly since: number
  readonly calls: Calls<WorkerService, PrimaryService>
  /** It has made from its configuration all that it needs, and answers what it is asked. */
  hasBegun = false
  isListening = false
  /** Another is to take its place, or has. */
  isReplaced = false
  /** How many it has been handed so far. */
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
    worker.on('error', () => {}) // it has begun: it ends, or does not answer, and both are noticed
    watchHandedConnections(worker.process, () => this.connections++)
  }

  /** Ends it at once. @returns false when that was done before */
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
