/** Calls between two processes, over messages that arrive in the order in which they were sent, or not at all. */
import { CollectableMap } from '../collectable.ts'
import { HerdgateError } from '../errors.ts'

type Argument<F> = F extends (argument: infer A) => unknown ? A : never
type Answer<F> = F extends (argument: never) => infer R ? Awaited<R> : never

export type Message =
  | { readonly name: string; readonly argument: unknown; readonly id: number | undefined }
  | { readonly answers: number; readonly value: unknown }
  | { readonly answers: number; readonly failed: string }

interface Waiting {
  resolve(value: unknown): void
  reject(error: HerdgateError): void
}

/**
 * One end of the connection: `Theirs` is what the other end may be asked, `Ours` what answers at this end. Both are
 * objects of functions with one argument; arguments and answers have to be structured-cloneable.
 */
export class Calls<Theirs, Ours> {
  readonly #send: (message: Message) => void
  readonly #ours: Ours
  readonly #waiting = new CollectableMap<number, Waiting>()
  #calls = 0
  #open = true

  constructor(send: (message: Message) => void, ours: Ours) {
    this.#send = send
    this.#ours = ours
  }

  /** Rejects when the other end rejects, or is gone. */
  call<Name extends keyof Theirs & string>(
    name: Name,
    argument: Argument<Theirs[Name]>,
  ): Promise<Answer<Theirs[Name]>> {
    return new Promise((resolve, reject) => {
      if (!this.#open) return reject(gone())
      const id = ++this.#calls
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ends are this code
      this.#waiting.set(id, { resolve: (value) => resolve(value as Answer<Theirs[Name]>), reject })
      this.#send({ name, argument, id })
    })
  }

  /** Sends a message that nobody answers. */
  notify<Name extends keyof Theirs & string>(name: Name, argument: Argument<Theirs[Name]>): void {
    if (this.#open) this.#send({ name, argument, id: undefined })
  }

  /** Takes a message of the other end. A synchronous answer goes out before anything that is sent later. */
  receive(message: Message): void {
    if (!this.#open) return
    if ('answers' in message) this.#settle(message)
    else this.#answer(message)
  }

  /** The other end is gone: all calls that await an answer reject. */
  hangUp(): void {
    this.#open = false
    for (const waiting of this.#waiting.values()) waiting.reject(gone())
    this.#waiting.clear()
  }

  #settle(message: Extract<Message, { answers: number }>): void {
    const waiting = this.#waiting.get(message.answers)
    this.#waiting.delete(message.answers)
    if ('failed' in message) waiting?.reject(new HerdgateError('internal', message.failed))
    else waiting?.resolve(message.value)
  }

  #answer({ name, argument, id }: Extract<Message, { name: string }>): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ends are this code
    const ours = this.#ours as Readonly<Record<string, (argument: unknown) => unknown>>
    const answer = (value: unknown) => id !== undefined && this.#open && this.#send({ answers: id, value })
    const fail = (error: unknown) =>
      id !== undefined && this.#open && this.#send({ answers: id, failed: String(error) })
    try {
      const value = ours[name]?.(argument)
      if (value instanceof Promise) value.then(answer, fail)
      else answer(value)
    } catch (error) {
      fail(error)
    }
  }
}

const gone = (): HerdgateError => new HerdgateError('internal', 'the other process is gone')
