import type { ChildProcess } from 'node:child_process'
import { hasFunctions, isObject } from '../../given.ts'

interface Handle {
  close(): void
}

/** A connection, and the message it goes with. */
interface Handed {
  readonly connection: Handle
  readonly message: Message
}

/** What node:cluster says of itself in a message, where it does. */
interface Message {
  readonly cmd?: unknown
  readonly seq?: unknown
  readonly ack?: unknown
}

/**
 * Closes connections that a process is handed and cannot take: it has ended, ends before it has taken it, or has no
 * file descriptor free. Such a connection would stay open for good, and its client would wait for ever. There is at
 * most one, the last: node:cluster waits for it to be taken before it hands over the next.
 * @param handed called for each connection
 */
export function watchHandedConnections(child: ChildProcess, handed: () => void): void {
  const send = child.send.bind(child)
  let last: Handed | undefined
  let hasEnded = false
  const watched = (...given: readonly unknown[]): boolean => {
    const [message, connection] = given
    if (isHandle(connection)) {
      last = { connection, message: messageOf(message) }
      if (hasEnded) {
        connection.close()
        return false
      }
      handed()
    }
    return Reflect.apply(send, undefined, given)
  }
  child.send = watched
  child.on('internalMessage', (given: unknown) => {
    if (last === undefined) return
    const answer = messageOf(given)
    if (hasArrivedWithout(answer)) child.emit('internalMessage', takenFor(last.message))
    else if (isAnswerTo(last.message, answer)) last = undefined
  })
  // node:cluster keeps all of the process until it is answered, and then hands it the next while it is connected.
  const answerForLast = (): void => {
    if (last !== undefined) child.emit('internalMessage', takenFor(last.message))
  }
  child.once('exit', () => {
    hasEnded = true
    last?.connection.close() // does nothing if it was taken
    if (child.connected) child.once('disconnect', answerForLast)
    else answerForLast()
  })
}

const isHandle = (given: unknown): given is Handle => hasFunctions(given, ['close'])

const messageOf = (given: unknown): Message => (isObject(given) ? given : {})

/** Whether the process has received a message but, for want of a file descriptor, not the connection with it. */
const hasArrivedWithout = ({ cmd }: Message): boolean => cmd === 'NODE_HANDLE_NACK'

/** It has taken the connection, or refused it: then that is another's. */
const isAnswerTo = ({ seq }: Message, { ack }: Message): boolean => seq !== undefined && ack === seq

/** What the process would have answered to the message: node:cluster then closes its side, and hands over the next. */
const takenFor = ({ cmd, seq }: Message): object => ({ cmd, ack: seq, accepted: true })
